"""Starts a Job that was declared beforehand, for the work that needs a tool inside: backups, failovers, heap dumps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import ObjectRef, Tree
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.jobs import short_name
from kubernaut.execution.targets import creation, find
from kubernaut.execution.workflows import WORKFLOW, job_body, read_inputs, unsafe
from kubernaut.resources import JOB


class WorkflowParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """The inputs of the declared workflow."""

    inputs: Annotated[
        str, Meta(max_length=1000, description="`name=value,name=value`, each as the declaration allows")
    ] = ""


async def prepare(on: Situation[WorkflowParameters]) -> Prepared | Refused:
    """A Job from the template of a suspended CronJob that declares itself a workflow, with its inputs as variables."""
    declared = await find(on, unsafe)
    if isinstance(declared, Refused):
        return declared
    inputs = read_inputs(declared, on.parameters.inputs)
    if isinstance(inputs, Refused):
        return inputs
    others = (await on.reader.list(JOB, declared.namespace)).items
    running = [job for job in others if job.annotations.get(WORKFLOW) == declared.name and not _ended(job.conditions())]
    if running:
        return Refused("running_already", f"{running[0].ref} of the same workflow has not ended")
    name = short_name(declared.name, f"{on.now:%m%d%H%M%S}")
    target = ObjectRef("batch/v1", "Job", declared.namespace, name)
    made = creation(target, job_body(declared, inputs), on.now, declared.uid)
    limit = declared.integer("spec", "jobTemplate", "spec", "activeDeadlineSeconds")
    return Prepared(None, made, f"1 Job of workflow {declared.name}, at most {limit} s")


def _ended(conditions: Iterable[Tree]) -> bool:
    kinds = {each.text("type") for each in conditions if each.text("status") == "True"}
    return bool(kinds & {"Complete", "Failed"})


ACTION = Action[WorkflowParameters](
    id=ActionId("run_workflow"),
    summary="starts a Job that was declared beforehand as a suspended CronJob",
    targets=("CronJob",),
    parameters=WorkflowParameters,
    when="the remedy needs a tool inside the cluster that somebody declared for it: a backup, a failover, a heap dump",
    never="an image that is not pinned by digest, as root, without a deadline, or with the default account",
    before=f"same uid; suspended; annotated {WORKFLOW}; pinned, non-root, own account, deadline; no other run of it",
    risk=Risk.HIGH,
    undo="irreversible: what the workflow did, it did; the Job itself is kept for a day",
    reversible=False,
    reads=(Rule("batch", "cronjobs", ("get",)), Rule("batch", "jobs", ("get", "list"))),
    writes=(Rule("batch", "jobs", ("create",)),),
    prepare=prepare,
)
