"""Keeps a CronJob from starting further runs."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json
from kubernaut.execution.catalogue import Action, NoParameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.targets import find


async def prepare(on: Situation[NoParameters]) -> Prepared | Refused:
    """`spec.suspend`; runs that are under way go on."""
    job = await find(on)
    if isinstance(job, Refused):
        return job
    if job.flag("spec", "suspend"):
        return Refused("no_effect", f"{job.ref} is suspended already")
    active = len(job.trees("status", "active"))
    suspended: Json = True
    change = edit(job, setting(job, suspended, "spec", "suspend"))
    return Prepared(job, change, f"no further runs of 1 schedule ({job.text('spec', 'schedule')}), {active} go on")


ACTION = Action[NoParameters](
    id=ActionId("suspend_cronjob"),
    summary="keeps a CronJob from starting further runs; those under way go on",
    targets=("CronJob",),
    parameters=NoParameters,
    when="what a CronJob does on its clock does harm, or its runs pile up",
    never="a CronJob whose runs are missed by somebody (a backup), without approval",
    before="same uid; not suspended; owner free",
    risk=Risk.MEDIUM,
    undo="spec.suspend back to the snapshot; runs that were missed are not made up for",
    approval=True,
    reads=(Rule("batch", "cronjobs", ("get",)),),
    writes=(Rule("batch", "cronjobs", ("patch",)),),
    prepare=prepare,
)
