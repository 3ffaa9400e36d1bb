"""The bus between nodes: hints, never the truth."""
