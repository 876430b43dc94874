"""Whether the pods that leave a node fit on the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.quantities import amount
from kubernaut.domain.workloads import is_ready

_RESOURCES = ("cpu", "memory")
_FINISHED = frozenset({"Succeeded", "Failed"})


def no_room_elsewhere(
    nodes: Sequence[KubeObject], pods: Sequence[KubeObject], leaving: Sequence[KubeObject], node: str
) -> Refused | None:
    """Refuses where the requests of the leaving pods are more than what is free on the other nodes.

    First come, largest first, each on the node with the most room: what does not fit so may still fit otherwise, and
    what fits so may be kept away by rules of its own. It is a bound against plainly hopeless moves.
    """
    others = {each.name: each for each in nodes if each.name != node and takes_pods(each)}
    free = {name: {key: amount(each.at("status", "allocatable", key)) for key in _RESOURCES}
            for name, each in others.items()}  # fmt: skip
    for pod in pods:
        place = pod.text("spec", "nodeName")
        # A pod that has ended holds no room, though it stays listed until somebody deletes it.
        if place in free and pod.text("status", "phase") not in _FINISHED:
            _take(free[place], requested(pod))
    # Largest first: small ones still fit into what large ones leave, and not the other way round.
    for pod in sorted(leaving, key=lambda each: requested(each)["memory"], reverse=True):
        demand = requested(pod)
        fitting = [room for room in free.values() if all(demand[key] <= room[key] for key in _RESOURCES)]
        if not fitting:
            return Refused("no_capacity", f"no other node has room for {pod.ref}")
        _take(max(fitting, key=lambda room: room["memory"]), demand)
    return None


def _take(room: dict[str, Decimal], demand: Mapping[str, Decimal]) -> None:
    for key in _RESOURCES:
        room[key] -= demand[key]


def takes_pods(node: KubeObject) -> bool:
    """Whether new pods can be placed on the node."""
    taints = [taint.text("effect") for taint in node.trees("spec", "taints")]
    return is_ready(node) and not node.flag("spec", "unschedulable") and not {"NoSchedule", "NoExecute"} & {*taints}


def requested(pod: KubeObject) -> dict[str, Decimal]:
    """What the pod's containers ask for together."""
    containers = pod.trees("spec", "containers")
    return {
        key: sum((amount(each.at("resources", "requests", key)) for each in containers), Decimal(0))
        for key in _RESOURCES
    }
