"""Deleting: its options, and what an object waits for before it is gone."""

from __future__ import annotations

from dataclasses import dataclass

from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.sandbox.kinds import NAMESPACE, POD, Kind


@dataclass(frozen=True, slots=True)
class Deletion:
    """The options of a delete."""

    grace_s: int | None = None
    propagation: str = ""
    uid: str = ""
    resource_version: str = ""


def is_freed(kind: Kind, item: KubeObject) -> bool:
    """Whether the last finalizer of a deleted object went; pods and namespaces wait for more than that."""
    waits = item.has("metadata", "deletionTimestamp") and kind not in (POD, NAMESPACE)
    return waits and not item.texts("metadata", "finalizers")


def finalizers_after(kind: Kind, item: KubeObject, options: Deletion) -> list[str]:
    """What the object has to wait for before it goes."""
    finalizers = [
        text
        for text in item.texts("metadata", "finalizers")
        if text not in ("foregroundDeletion", "orphan") or not options.propagation
    ]
    if options.propagation == "Foreground":
        finalizers.append("foregroundDeletion")
    elif options.propagation == "Orphan":
        finalizers.append("orphan")
    if kind is NAMESPACE:
        finalizers = finalizers or ["kubernetes"]
    return finalizers


def deleted(kind: Kind, item: KubeObject) -> JsonObject:
    """The `Status` for an object that is gone at once."""
    details: JsonObject = {"name": item.name, "kind": kind.plural, "uid": item.uid}
    if kind.group:
        details["group"] = kind.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
