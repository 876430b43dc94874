"""Alerts over the state of the sandbox, and their delivery as Alertmanager does it."""
