"""Saved clusters: files, directories, archives and terminal transcripts, read through the same port as a live one."""
