"""Bare relays to compare with: they exchange the same four frames and do nothing else."""
