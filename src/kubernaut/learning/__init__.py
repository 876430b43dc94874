"""What it taught."""
