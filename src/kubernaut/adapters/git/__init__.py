"""Repositories of owned objects by git, and pull requests by the API of the service around them."""
