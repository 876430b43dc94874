"""Metrics out."""
