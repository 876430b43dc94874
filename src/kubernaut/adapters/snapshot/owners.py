"""Owners that were not saved, known because what they own names them: a dump has no StatefulSets and no Jobs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef
from kubernaut.resources import CRON_JOB, DAEMON_SET, DEPLOYMENT, JOB, REPLICA_SET, STATEFUL_SET

_OWNERS: Final = {kind.kind: kind for kind in (DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET, JOB, CRON_JOB)}


def with_named_owners(
    objects: Mapping[ObjectRef, KubeObject], whole: Collection[tuple[str, str]]
) -> dict[ObjectRef, KubeObject]:
    """The objects, and a bare one for each owner that may be there and was not saved."""
    found, waiting = dict(objects), list(objects.values())
    while waiting:
        item = waiting.pop()
        owner = _owner_of(item)
        if owner is None or owner.ref in found or _is_gone(owner, whole):
            continue
        found[owner.ref] = owner
        waiting.append(owner)
    return found


def _owner_of(item: KubeObject) -> KubeObject | None:
    owner = item.owner
    kind = _OWNERS.get(owner.ref.kind) if owner else None
    if owner is None or kind is None:
        return None
    name = owner.ref.name
    metadata: JsonObject = {
        "name": name,
        "namespace": item.namespace,
        "uid": owner.uid or _identity(kind.kind, owner.ref),
    }
    stamp = item.labels.get("pod-template-hash", "")
    if kind == REPLICA_SET and stamp and name.endswith(f"-{stamp}"):
        above = ObjectRef(DEPLOYMENT.api_version, DEPLOYMENT.kind, item.namespace, name.removesuffix(f"-{stamp}"))
        reference: JsonObject = {"apiVersion": above.api_version, "kind": above.kind, "name": above.name}
        metadata["ownerReferences"] = [{**reference, "controller": True, "uid": _identity(above.kind, above)}]
    return KubeObject({"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata})


def _identity(kind: str, ref: ObjectRef) -> str:
    """Stands for the identity that the cluster gave it."""
    return f"{ref.namespace}/{kind.lower()}/{ref.name}"


def _is_gone(owner: KubeObject, whole: Collection[tuple[str, str]]) -> bool:
    return (owner.kind, owner.namespace) in whole or (owner.kind, "") in whole
