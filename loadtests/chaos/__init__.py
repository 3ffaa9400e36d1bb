"""Faults at seeded moments, a history of every operation, and a checker that says which promise broke."""
