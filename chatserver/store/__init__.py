"""The store: one port written as promises, and its implementations."""
