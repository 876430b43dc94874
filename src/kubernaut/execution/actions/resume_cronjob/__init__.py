"""Lets a suspended CronJob run again."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json, KubeObject
from kubernaut.execution.catalogue import Action, NoParameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.marks import marked_as_intended
from kubernaut.execution.targets import find


async def prepare(on: Situation[NoParameters]) -> Prepared | Refused:
    """`spec.suspend` off, where nothing says that it is meant."""
    job = await find(on, _intended)
    if isinstance(job, Refused):
        return job
    if not job.flag("spec", "suspend"):
        return Refused("no_effect", f"{job.ref} is not suspended")
    missed = "" if job.has("spec", "startingDeadlineSeconds") else "; a missed run may start at once"
    running: Json = False
    change = edit(job, setting(job, running, "spec", "suspend"))
    return Prepared(job, change, f"1 schedule ({job.text('spec', 'schedule')}) runs again{missed}")


def _intended(job: KubeObject) -> Refused | None:
    mark = marked_as_intended(job)
    return Refused("intended", f"{job.ref} is suspended on purpose: it has {mark}") if mark else None


ACTION = Action[NoParameters](
    id=ActionId("resume_cronjob"),
    summary="lets a suspended CronJob run again",
    targets=("CronJob",),
    parameters=NoParameters,
    when="a CronJob was left suspended, and its runs are missed",
    never="where the suspension is marked as intended; always with approval, since it may be meant",
    before="same uid; suspended; no mark that says it is meant; owner free",
    risk=Risk.MEDIUM,
    undo="spec.suspend back to the snapshot; a run that started goes on",
    approval=True,
    reads=(Rule("batch", "cronjobs", ("get",)),),
    writes=(Rule("batch", "cronjobs", ("patch",)),),
    prepare=prepare,
)
