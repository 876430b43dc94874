"""Durable execution. The only package that knows DBOS; it has never heard of alerts."""
