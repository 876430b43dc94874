"""The configuration that `kubectl apply` last wrote, which it keeps in an annotation of the object."""

from __future__ import annotations

from typing import Final

import msgspec

from kubernaut.domain.objects import KubeObject, Tree

ANNOTATION: Final = "kubectl.kubernetes.io/last-applied-configuration"
_LARGEST: Final = 2**20


def last_applied(item: KubeObject) -> Tree | None:
    """The configuration, None where there is none or it is not of this object."""
    return parsed(item.annotations.get(ANNOTATION, ""), item.kind, item.name)


def parsed(text: str, kind: str, name: str) -> Tree | None:
    """The object of that kind and name that the text holds, None where it holds none."""
    if not text or len(text) > _LARGEST:
        return None
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
    found = Tree(value if isinstance(value, dict) else {})
    return found if (found.text("kind"), found.text("metadata", "name")) == (kind, name) else None
