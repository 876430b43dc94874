"""Who wrote a field, and when, by `metadata.managedFields`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.objects import Json, KubeObject, Tree

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# What writes objects in the course of its work. Whoever else does is a person, or a tool in a person's hand.
CONTROLLERS = frozenset(
    {"cloud-controller-manager", "cluster-autoscaler", "kube-apiserver", "kube-controller-manager", "kube-scheduler",
     "kubelet"}
)  # fmt: skip
# The API server's bound for all annotations of an object together.
_LARGEST = 256 * 1024


@dataclass(frozen=True, slots=True)
class Author:
    """The field manager and the time of its last write to that part of the object."""

    manager: str
    at: datetime | None

    def __str__(self) -> str:
        """`by kubectl-edit at 2026-11-22T14:02:11Z`."""
        moment = f" at {self.at.strftime('%Y-%m-%dT%H:%M:%SZ')}" if self.at else ""
        return f"by {self.manager}{moment}"


def last_writer(item: KubeObject, *path: str) -> Author | None:
    """Who wrote the field last; controllers that write status are left out."""
    found: list[Author] = []
    for entry in item.trees("metadata", "managedFields"):
        if entry.text("subresource") == "status":
            continue
        if entry.tree("fieldsV1").has(*(f"f:{step}" for step in path)):
            found.append(Author(entry.text("manager") or "unknown", entry.time("time")))
    dated = [(author.at, author) for author in found if author.at]
    return max(dated, key=lambda entry: entry[0])[1] if dated else (found[0] if found else None)


def writers_since(item: KubeObject, since: datetime) -> list[Author]:
    """Who but a controller wrote the object, its status apart, in a later second than that one; oldest first."""
    found = [
        Author(entry.text("manager") or "unknown", at)
        for entry in item.trees("metadata", "managedFields")
        if entry.text("subresource") != "status"
        and entry.text("manager") not in CONTROLLERS
        and (at := entry.time("time")) is not None
        # managedFields hold whole seconds: within the same second nothing can be said of before and after.
        and at > since.replace(microsecond=0)
    ]
    return sorted(found, key=lambda author: (str(author.at), author.manager))


def last_applied(item: KubeObject) -> Tree | None:
    """What `kubectl apply` was given last, None where the object was not applied that way."""
    text = item.annotations.get(LAST_APPLIED, "")
    if not text or len(text) > _LARGEST:
        return None
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return Tree(value) if isinstance(value, dict) else None
