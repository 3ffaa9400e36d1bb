"""Conversations and who may take part in them."""
