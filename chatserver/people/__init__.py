"""Accounts, credentials, sessions and roles."""
