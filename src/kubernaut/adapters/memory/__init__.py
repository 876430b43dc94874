"""A fake of every port, for tests and for what needs no disk."""
