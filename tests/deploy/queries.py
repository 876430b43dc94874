"""What a PromQL query names, read well enough for our own queries."""

from __future__ import annotations

import re


def names_in(query: str) -> set[str]:
    """Its metrics of ours."""
    return set(re.findall(r"\b(kubernaut_\w+)", query))


def labels_in(query: str) -> set[str]:
    """The labels that it matches or groups by."""
    matched = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", query)
    grouped = [
        label for labels in re.findall(r"\b(?:by|on|without)\s*\(([^)]*)\)", query) for label in labels.split(",")
    ]
    return {label.strip() for label in (*matched, *grouped)} - {""}
