"""Raises the CPU limit of one named container."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.execution.catalogue import Action, Prepared, Risk, Situation
from kubernaut.execution.raising import READS, WRITES, RaiseParameters, raised
from kubernaut.execution.targets import WORKLOADS


async def prepare(on: Situation[RaiseParameters]) -> Prepared | Refused:
    """The higher limit, where quota, LimitRange and the largest node leave room for it."""
    return await raised(on, "cpu")


ACTION = Action[RaiseParameters](
    id=ActionId("increase_cpu_limit"),
    summary="raises the CPU limit of one container by a factor",
    targets=WORKLOADS,
    parameters=RaiseParameters,
    when="a container is throttled by its own limit, and its callers feel it",
    never="all containers at once, downwards, beyond quota, LimitRange or the largest node, or where nobody feels it",
    before="same uid; a limit to raise; room in quota, LimitRange and nodes; owner free",
    risk=Risk.MEDIUM,
    undo="limit back to the snapshot",
    reads=READS,
    writes=WRITES,
    prepare=prepare,
)
