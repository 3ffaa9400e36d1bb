"""Load, chaos and measurement: bounded runs against servers on this machine alone."""
