"""Runs a failed Job once more, as a new Job."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef
from kubernaut.execution.catalogue import Action, NoParameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.jobs import KEPT_S, short_name, without_identity
from kubernaut.execution.marks import IDEMPOTENT
from kubernaut.execution.targets import again, creation, find
from kubernaut.resources import JOB

_OF = "kubernaut.ai/rerun-of"


async def prepare(on: Situation[NoParameters]) -> Prepared | Refused:
    """A copy of the Job under another name, where it failed for good and says that it may run twice."""
    job = await find(on, _not_idempotent, _not_failed)
    if isinstance(job, Refused):
        return job
    others = (await on.reader.list(JOB, job.namespace)).items
    if any(other.annotations.get(_OF) == job.uid for other in others):
        return Refused("rerun_already", f"{job.ref} was run once more already")
    target = ObjectRef("batch/v1", "Job", job.namespace, short_name(job.name, f"again-{job.uid[:6]}"))
    body = again(job)
    metadata: JsonObject = {
        "labels": {
            key: value for key, value in job.labels.items() if "controller-uid" not in key and "job-name" not in key
        },
        "annotations": {_OF: job.uid, IDEMPOTENT: "true"},
    }
    spec = {**without_identity(job.tree("spec")), "ttlSecondsAfterFinished": KEPT_S}
    made = creation(target, {**body, "metadata": metadata, "spec": spec}, on.now, job.uid)
    return Prepared(None, made, f"1 new Job, as {job.ref} was")


def _not_idempotent(job: KubeObject) -> Refused | None:
    if job.annotations.get(IDEMPOTENT) == "true":
        return None
    help_ = f"kubectl -n {job.namespace} annotate job {job.name} {IDEMPOTENT}=true"
    return Refused("not_idempotent", f"{job.ref} does not say that it may run twice", help_)


def _not_failed(job: KubeObject) -> Refused | None:
    failed = job.condition("Failed")
    if failed is not None and failed.text("status") == "True":
        return None
    return Refused("not_failed", f"{job.ref} has not failed for good")


ACTION = Action[NoParameters](
    id=ActionId("rerun_job"),
    summary="runs a failed Job once more, as a new Job",
    targets=("Job",),
    parameters=NoParameters,
    when="a Job failed for a reason that is gone, and it may run twice",
    never="a Job without the annotation that says that it is idempotent, or a second time",
    before=f"same uid; failed for good; {IDEMPOTENT}=true; not run again yet",
    risk=Risk.MEDIUM,
    undo="the new Job is deleted with its pods; what it did stays done",
    reads=(Rule("batch", "jobs", ("get", "list")),),
    writes=(Rule("batch", "jobs", ("create", "delete")),),
    prepare=prepare,
)
