"""Kubernaut: an autopilot for Kubernetes incidents."""
