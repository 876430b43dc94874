"""A scheduled Job changes the workload's template, each time it runs."""

from __future__ import annotations

from datetime import datetime, timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.subjects import Workload

_SLACK = timedelta(seconds=5)


def examine(workload: Workload) -> Finding | None:
    """The finding when a failing workload was changed while a CronJob's Job ran, which will run again."""
    change = workload.change
    if change is None or change.at is None or not change.real or not workload.crashing:
        return None
    job = next(
        (item for item in workload.scene.all("Job", workload.object.namespace) if _ran_at(item, change.at)), None
    )
    owner = job.controller if job else None
    told = workload.change_fact()
    if job is None or owner is None or told is None or job.ref == workload.ref:
        return None
    text = f"Job {job.name} of CronJob {owner.name} ran while the template was changed"
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title} fails since a change that was made while CronJob {owner.name} ran: {told.text}. "
            "It comes back with the next run: mend the CronJob first."
        ),
        verdict=Verdict.APPROVE,
        supporting=(told, facts.field(job, "status.startTime", text, job.time("status", "startTime"))),
        remedies=(call("suspend_cronjob", owner), escalate(workload.ref)),
        places={"cronjob": owner.name},
    )


def _ran_at(job: KubeObject, moment: datetime) -> bool:
    owner = job.controller
    begun = job.time("status", "startTime")
    ended = job.time("status", "completionTime")
    if owner is None or owner.kind != "CronJob" or begun is None or ended is None:
        return False
    return begun - _SLACK <= moment <= ended + _SLACK and _may_write(job)


def _may_write(job: KubeObject) -> bool:
    """Whether its pods have an identity of their own: with the default one, they may change nothing."""
    account = job.text("spec", "template", "spec", "serviceAccountName")
    return account not in ("", "default")


CAUSE = Cause(
    id=CauseId("changed_by_schedule"),
    title="A scheduled Job changes the workload, and it fails with that",
    faults=(55,),
    needs=("Pod", "ReplicaSet", "Job"),
    look_alikes={
        "memory_limit_too_low": "nothing ran when the limit was lowered",
        "crash_after_change": "a person or a delivery made the change",
    },
    know="The field manager of the change (managedFields) and the Job's ServiceAccount show who wrote it.",
    by_hand=(
        "kubectl -n {namespace} get cronjob {cronjob} -o yaml",
        "kubectl -n {namespace} get {kind}/{name} -o yaml --show-managed-fields",
    ),
    narrows=("crash_after_change", "memory_limit_too_low"),
    workload=examine,
)
