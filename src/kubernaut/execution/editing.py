"""Changes as small JSON patches of one object."""

from __future__ import annotations

from collections.abc import Mapping

from kubernaut.domain.changes import ObjectPatch, PatchOperation
from kubernaut.domain.objects import Json, KubeObject, copied
from kubernaut.domain.patches import ABSENT, pointer, value_at


def edit(item: KubeObject, *operations: PatchOperation, subresource: str = "") -> ObjectPatch:
    """A patch of exactly this version of the object."""
    return ObjectPatch(item.ref, item.uid, item.resource_version, operations, subresource)


def setting(item: KubeObject, value: Json, *path: str | int) -> PatchOperation:
    """Sets one value, making the one parent map that may be missing."""
    here = pointer(*path)
    parent = pointer(*path[:-1])
    if value_at(item.raw, parent) in (ABSENT, None):
        # RFC 6902 refuses to add below a parent that is not there, and one that is null holds no members.
        return PatchOperation("add", parent, {str(path[-1]): copied(value)})
    present = value_at(item.raw, here) is not ABSENT
    return PatchOperation("replace" if present else "add", here, copied(value))


def removing(*path: str | int) -> PatchOperation:
    """Takes one value out."""
    return PatchOperation("remove", pointer(*path))


def position(item: KubeObject, name: str, *path: str) -> int | None:
    """The index of the entry of that name in the list at the path."""
    names = [entry.text("name") for entry in item.trees(*path)]
    return names.index(name) if name in names else None


def selector_text(labels: Mapping[str, str]) -> str:
    """A selector as `k=v,k=v`, in order of keys."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
