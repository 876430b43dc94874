"""From bytes to a Signal on disk."""
