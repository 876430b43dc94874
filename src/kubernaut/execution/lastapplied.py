"""A configuration that somebody gives as text, as `kubectl apply` would have kept it."""

from __future__ import annotations

from typing import Final

import msgspec

from kubernaut.domain.objects import Tree

_LARGEST: Final = 2**20


def parsed(text: str, kind: str, name: str) -> Tree | None:
    """The object of that kind and name that the text holds, None where it holds none."""
    # Far above the 256 KiB that all annotations of an object may have together.
    if not text or len(text) > _LARGEST:
        return None
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    found = Tree(value if isinstance(value, dict) else {})
    return found if (found.text("kind"), found.text("metadata", "name")) == (kind, name) else None
