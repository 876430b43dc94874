"""Stops a Deployment from rolling out further."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json
from kubernaut.domain.workloads import rollout_of
from kubernaut.execution.catalogue import Action, NoParameters, Prepared, Risk, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.targets import find, workload_rules


async def prepare(on: Situation[NoParameters]) -> Prepared | Refused:
    """`spec.paused`, while there is a rollout to stop."""
    workload = await find(on)
    if isinstance(workload, Refused):
        return workload
    if workload.flag("spec", "paused"):
        return Refused("no_effect", f"{workload.ref} is paused already")
    progress = rollout_of(workload)
    if progress.settled:
        return Refused("no_rollout", f"{workload.ref} is not rolling out: there is nothing to stop")
    reach = f"{progress.updated} of {progress.wanted} replicas have the new template and keep it"
    value: Json = True
    return Prepared(workload, edit(workload, setting(workload, value, "spec", "paused")), reach)


ACTION = Action[NoParameters](
    id=ActionId("pause_rollout"),
    summary="stops a Deployment from rolling out further; what runs stays",
    targets=("Deployment",),
    parameters=NoParameters,
    when="a rollout does harm, and what to do about it is not decided yet",
    never="when nothing rolls out, or as the end of an incident: it mends nothing",
    before="same uid; a rollout in progress; not paused; owner free",
    risk=Risk.LOW,
    undo="spec.paused back to the snapshot",
    reads=workload_rules("get", "Deployment"),
    writes=workload_rules("patch", "Deployment"),
    prepare=prepare,
)
