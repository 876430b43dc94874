"""The controllers of the sandbox, one file each."""
