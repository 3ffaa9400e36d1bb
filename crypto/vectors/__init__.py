"""Deterministic vectors for everything signed and sealed, run by every implementation.

`python -m crypto.vectors.generate` writes the JSON files beside this module; `run` does what a case says.
"""
