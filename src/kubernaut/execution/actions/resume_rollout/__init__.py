"""Lets a paused Deployment roll out again."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject
from kubernaut.execution.catalogue import Action, NoParameters, Prepared, Risk, Situation
from kubernaut.execution.editing import edit, removing
from kubernaut.execution.marks import marked_as_intended
from kubernaut.execution.preconditions import rolling_reach
from kubernaut.execution.targets import find, workload_rules


async def prepare(on: Situation[NoParameters]) -> Prepared | Refused:
    """Takes `spec.paused` away from a Deployment that nobody marked as paused on purpose."""
    workload = await find(on, _intended)
    if isinstance(workload, Refused):
        return workload
    if not workload.flag("spec", "paused"):
        return Refused("no_effect", f"{workload.ref} is not paused")
    return Prepared(workload, edit(workload, removing("spec", "paused")), rolling_reach(workload))


def _intended(workload: KubeObject) -> Refused | None:
    mark = marked_as_intended(workload)
    return Refused("intended", f"{workload.ref} is paused on purpose: it has {mark}") if mark else None


ACTION = Action[NoParameters](
    id=ActionId("resume_rollout"),
    summary="lets a paused Deployment roll out again",
    targets=("Deployment",),
    parameters=NoParameters,
    when="a rollout was left paused, and its change waits for it",
    never="where the pause is marked as intended, or GitOps owns it; always with approval, since a pause may be meant",
    before="same uid; paused; no mark that says it is meant; owner free",
    risk=Risk.MEDIUM,
    undo="spec.paused back to the snapshot",
    approval=True,
    reads=workload_rules("get", "Deployment"),
    writes=workload_rules("patch", "Deployment"),
    prepare=prepare,
)
