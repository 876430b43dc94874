"""Traces: one an incident, from the alert to the end; sent by OTLP where the settings name an endpoint."""
