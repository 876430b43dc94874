"""Reading and examining by turns: each look reads what the one before asked for, until nothing is left to ask.

A Deployment whose image does not exist is explained by its pods, ReplicaSets and events alone, and nothing else is
read for it; one that waits for a Secret makes the second look list the Secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from kubernaut.domain.objects import ObjectRef
from kubernaut.investigation.gathering import BUDGET, Budget, Gathering, Lists
from kubernaut.investigation.scene import Scene
from kubernaut.ports import Clock, ClusterReader, Metrics
from kubernaut.resources import (
    CONTROLLER_REVISION,
    DAEMON_SET,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    EVENT,
    INGRESS,
    JOB,
    NODE,
    POD,
    REPLICA_SET,
    SERVICE,
    STATEFUL_SET,
    VOLUME_CLAIM,
    resource_of,
)

T = TypeVar("T")

WORKLOADS = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, JOB, REPLICA_SET, POD)
# Each look costs a round of calls, and the patience for it halves each time.
_LOOKS = 4
_ENOUGH = f"left out: it was asked for only after {_LOOKS} looks"
# What nearly every diagnosis of that kind of object needs: it saves a look to read it without being asked.
_FIRST = {
    "Deployment": (DEPLOYMENT, REPLICA_SET, POD, EVENT),
    "StatefulSet": (STATEFUL_SET, CONTROLLER_REVISION, POD, EVENT),
    "DaemonSet": (DAEMON_SET, CONTROLLER_REVISION, POD, EVENT),
    "ReplicaSet": (DEPLOYMENT, REPLICA_SET, POD, EVENT),
    "Job": (JOB, POD, EVENT),
    "Pod": (POD, EVENT),
    "Service": (SERVICE, ENDPOINT_SLICE, POD, DEPLOYMENT, REPLICA_SET),
    "Node": (POD, EVENT),
}


async def inquire(
    reader: ClusterReader,
    clock: Clock,
    first: Lists,
    examine: Callable[[Scene], T],
    budget: Budget = BUDGET,
    *,
    metrics: Metrics | None = None,
) -> tuple[Scene, T]:
    """What `examine` finds once all that it asks of the scene was read, or the budget is used up.

    Raises `ClusterUnavailable` (or `Forbidden`) only where nothing at all could be read.
    """
    gathering, found = await gather_and_examine(reader, clock, first, examine, budget, metrics=metrics)
    return gathering.scene, found


async def gather_and_examine(
    reader: ClusterReader,
    clock: Clock,
    first: Lists,
    examine: Callable[[Scene], T],
    budget: Budget = BUDGET,
    *,
    metrics: Metrics | None = None,
) -> tuple[Gathering, T]:
    """The same, with the gathering, which knows what is left of the budget."""
    scene = Scene(now=clock.now(), measurable=metrics is not None)
    gathering = Gathering(reader, clock, budget, scene, metrics=metrics)
    # Half of what is left for each look: a list that hangs does not keep the next look from reading.
    patience = budget.timeout / 2
    await gathering.read(first, patience=patience)
    if not gathering.answered:
        raise gathering.nothing()
    found = examine(scene)
    for _ in range(1, _LOOKS):
        wanted = scene.take_wanted()
        if not wanted:
            break
        # Halved each time, the waits of all looks together stay within the budget's time-out.
        patience /= 2
        await gathering.read_wanted(wanted, patience=patience)
        found = examine(scene)
    if wanted := scene.take_wanted():
        gathering.refuse(wanted, _ENOUGH)
        found = examine(scene)
    return gathering, found


def first_look(targets: Iterable[ObjectRef]) -> Lists:
    """What is read without being asked to diagnose these objects."""
    lists = set()
    for target in targets:
        own = resource_of(target)
        if own is not None:
            lists.add((own, target.namespace))
        if target.kind in _FIRST:
            lists.add((NODE, ""))
        lists.update((kind, target.namespace) for kind in _FIRST.get(target.kind, (EVENT,)))
    return frozenset(lists)


def first_survey(namespaces: Iterable[str]) -> Lists:
    """What is read without being asked to find whatever is wrong in these namespaces, an empty name for all."""
    kinds = (*WORKLOADS, SERVICE, ENDPOINT_SLICE, EVENT, INGRESS, VOLUME_CLAIM)
    return frozenset({(NODE, ""), *((kind, place) for place in namespaces for kind in kinds)})
