"""Translate and delegate; decide nothing."""
