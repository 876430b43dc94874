"""Faults put into throw-away namespaces on purpose, and what became of them under Kubernaut and three simpler ways."""
