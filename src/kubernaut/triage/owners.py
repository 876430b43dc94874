"""The top of an object's owner chain, which is what a person would call the thing that broke."""

from __future__ import annotations

from kubernaut.domain.objects import ObjectRef
from kubernaut.ports import ClusterReader

# A chain is Pod, ReplicaSet, Deployment, perhaps an operator's object; a longer one is a loop or an attack.
_LONGEST_CHAIN = 5
# Only these are followed: an owner of another kind, an operator's custom resource, has to be known to be acted on.
_KNOWN_OWNERS = frozenset({"ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Node"})


async def top_owner(reader: ClusterReader, ref: ObjectRef) -> ObjectRef:
    """The controller at the top of the chain, the object itself where nothing controls it.

    A pod that is gone is found by the names that its ReplicaSet would have: pods come and go faster than alerts.
    """
    current = ref
    for _ in range(_LONGEST_CHAIN):
        found = await reader.get(current)
        if found is None:
            return await _owner_of_gone(reader, current)
        owner = found.controller
        if owner is None or owner.kind not in _KNOWN_OWNERS or owner.kind == "Node":
            return current
        current = owner
    return current


async def _owner_of_gone(reader: ClusterReader, ref: ObjectRef) -> ObjectRef:
    if ref.kind != "Pod" or ref.name.count("-") == 0:
        return ref
    stem = ref.name.rsplit("-", 1)[0]
    candidates = [ObjectRef("apps/v1", kind, ref.namespace, stem) for kind in ("StatefulSet", "DaemonSet")]
    if "-" in stem:
        candidates.insert(0, ObjectRef("apps/v1", "Deployment", ref.namespace, stem.rsplit("-", 1)[0]))
    for candidate in candidates:
        if await reader.get(candidate) is not None:
            return candidate
    return ref
