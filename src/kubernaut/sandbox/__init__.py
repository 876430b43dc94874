"""A small simulated cluster that speaks the Kubernetes API over HTTP."""
