"""Signals, incidents, events, leases in SQLite or PostgreSQL."""
