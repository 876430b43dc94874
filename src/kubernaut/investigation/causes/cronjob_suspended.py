"""A CronJob starts nothing, because it is suspended."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.provenance import last_writer
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.intent import marked_pause
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.things import Thing


def examine(thing: Thing) -> Finding | None:
    """The finding for a suspended CronJob that nothing marks as meant; whether it should run is its owner's word."""
    item = thing.object
    if item.kind != "CronJob" or not item.flag("spec", "suspend") or marked_pause(item):
        return None
    author = last_writer(item, "spec", "suspend")
    by = f" {author}" if author else ""
    last = item.time("status", "lastSuccessfulTime") or item.time("status", "lastScheduleTime")
    ran = f"; it ran last at {last:%Y-%m-%dT%H:%M:%SZ}" if last else ""
    told = [facts.field(item, "spec.suspend", f"suspended{by}{ran}", author.at if author else None)]
    if last:
        told.append(facts.field(item, "status.lastScheduleTime", f"last run{ran}", last))
    return Finding(
        target=item.ref,
        summary=f"{thing.title} starts nothing, it is suspended{by}{ran}.",
        verdict=Verdict.ESCALATE,
        supporting=tuple(told),
        remedies=(escalate(item.ref),),
    )


CAUSE = Cause(
    id=CauseId("cronjob_suspended"),
    title="A CronJob is suspended",
    faults=(74,),
    needs=("CronJob",),
    look_alikes={
        "job_failed": "it starts Jobs, and they fail",
        "cronjob_misses": "it is not suspended, and still starts nothing",
    },
    know=(
        "To mark it as meant: annotate the CronJob with kubernaut.ai/intended=REASON. Runs that were missed while it "
        "was suspended are not made good, except the last within its deadline."
    ),
    by_hand=(
        "kubectl -n {namespace} get cronjob {name} -o yaml --show-managed-fields",
        "kubectl -n {namespace} get jobs",
    ),
    thing=examine,
)
