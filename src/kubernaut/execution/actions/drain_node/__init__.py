"""Moves the pods off a node by the eviction API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from kubernaut.domain.changes import Eviction
from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json, KubeObject
from kubernaut.execution.capacity import no_room_elsewhere, takes_pods
from kubernaut.execution.catalogue import Action, Parameters, Part, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.marks import MIRROR, maintained
from kubernaut.execution.targets import find
from kubernaut.resources import NODE, POD

_POOLS = (
    "karpenter.sh/nodepool",
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "kubernetes.azure.com/agentpool",
    "agentpool",
    "node.kubernetes.io/pool",
)
_FINISHED = frozenset({"Succeeded", "Failed"})


class DrainParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """How long it may take, and whether data that lives on the node only may be lost."""

    deadline_s: Annotated[int, Meta(ge=30, le=900, description="seconds after which it gives up")] = 300
    lose_local_data: Annotated[bool, Meta(description="whether pods with emptyDir volumes are evicted too")] = False


async def prepare(on: Situation[DrainParameters]) -> Prepared | Refused:
    """A cordon, then one eviction a pod; budgets are waited for, and it gives up at the deadline."""
    node = await find(on, _maintained)
    if isinstance(node, Refused):
        return node
    nodes = (await on.reader.list(NODE)).items
    listing = await on.reader.list(POD)
    # A pod that was not read may be the one that must not be moved.
    if not listing.complete:
        return Refused("not_read", "not all pods of the cluster could be read")
    leaving = [pod for pod in listing.items if pod.text("spec", "nodeName") == node.name and _moves(pod)]
    refusal = _last_of_pool(node, nodes) or _must_stay(leaving, lose=on.parameters.lose_local_data)
    refusal = refusal or no_room_elsewhere(nodes, listing.items, leaving, node.name)
    if refusal:
        return refusal
    evictions = [Part(pod, Eviction(pod.ref, pod.uid)) for pod in leaving]
    cordoned: Json = True
    if not node.flag("spec", "unschedulable"):
        # First the cordon, or the evicted pods could be placed on the same node again.
        evictions.insert(0, Part(node, edit(node, setting(node, cordoned, "spec", "unschedulable"))))
    if not evictions:
        return Refused("no_effect", f"{node.ref} is cordoned and empty already")
    whole, *further = evictions
    reach = f"1 of {len(nodes)} nodes, {len(leaving)} of {len(listing.items)} pods move"
    patience = timedelta(seconds=on.parameters.deadline_s)
    return Prepared(whole.before, whole.change, reach, tuple(further), patience=patience)


def _moves(pod: KubeObject) -> bool:
    """Pods of a DaemonSet would come back at once, mirror pods never go, and finished ones use nothing."""
    owner = pod.controller
    stays = (owner is not None and owner.kind == "DaemonSet") or MIRROR in pod.annotations
    going = pod.has("metadata", "deletionTimestamp") or pod.text("status", "phase") in _FINISHED
    return not stays and not going


def _maintained(node: KubeObject) -> Refused | None:
    mark = maintained(node)
    return Refused("maintenance", f"somebody works on {node.ref}: it has {mark}") if mark else None


def _last_of_pool(node: KubeObject, nodes: Sequence[KubeObject]) -> Refused | None:
    others = [each for each in nodes if each.name != node.name and takes_pods(each)]
    if not others:
        return Refused("last_node", f"{node.ref} is the last node that takes pods")
    for label in _POOLS:
        pool = node.labels.get(label)
        if pool and not any(each.labels.get(label) == pool for each in others):
            return Refused("last_of_pool", f"{node.ref} is the last node of pool {pool} that takes pods")
    return None


def _must_stay(leaving: Sequence[KubeObject], *, lose: bool) -> Refused | None:
    for pod in leaving:
        if pod.controller is None:
            # As `kubectl drain`, which wants --force for them; here nobody can give it.
            return Refused("bare_pod", f"{pod.ref} has no controller: nothing would make it again")
        if not lose and any(volume.at("emptyDir") is not None for volume in pod.trees("spec", "volumes")):
            return Refused("local_data", f"{pod.ref} keeps data on the node only; lose_local_data would lose it")
    return None


ACTION = Action[DrainParameters](
    id=ActionId("drain_node"),
    summary="cordons a node and evicts its pods, as their disruption budgets allow",
    targets=("Node",),
    parameters=DrainParameters,
    when="a node is ill, its pods suffer, and others have room for them",
    never="the last node of a pool, pods without a controller, or data that lives on the node only without being told",
    before="same uid; no mark of maintenance; other nodes of its pool take pods and have room; every pod has an owner",
    risk=Risk.HIGH,
    undo="uncordoned again; the pods stay where they went",
    approval=True,
    reads=(Rule("", "nodes", ("get", "list")), Rule("", "pods", ("get", "list"))),
    writes=(Rule("", "nodes", ("patch",)), Rule("", "pods/eviction", ("create",))),
    prepare=prepare,
)
