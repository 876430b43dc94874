"""Objects that another object names: what they are, and whether it is proven that there is none."""

from __future__ import annotations

from dataclasses import dataclass

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.scene import Scene


@dataclass(frozen=True, slots=True)
class Named:
    """A name that stands at `path`, and the object of that name, None where it was not seen."""

    kind: str
    name: str
    path: str
    object: KubeObject | None
    is_missing: bool


def named(scene: Scene, kind: str, namespace: str, name: str, path: str) -> Named:
    """What stands behind the name; `is_missing` only where the list was read to its end and has no such object."""
    found = scene.get(kind, namespace, name)
    return Named(kind, name, path, found, found is None and scene.covers(kind, namespace, name))
