"""Vectors, found again by likeness."""
