"""What an operator sees: logs, health, drain."""
