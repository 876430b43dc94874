"""Builds adapters from settings and hands them to the stages."""
