"""The audit log: a closed schema without free text, one leaf an event."""
