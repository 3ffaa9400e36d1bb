"""Calls: the state machine, ICE servers and headless peers. Imports nothing of chatserver."""
