"""A CronJob is not suspended, and starts nothing."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.things import Thing

_REASONS = (
    *("FailedNeedsStart", "MissSchedule", "UnparseableSchedule", "InvalidSchedule", "UnknownTimeZone"),
    *("TooManyMissedTimes", "FailedCreate"),
)
_REASONS_HELD = ("JobAlreadyActive",)


def examine(thing: Thing) -> Finding | None:
    """The finding when its controller says why it starts no Job."""
    item = thing.object
    if item.kind != "CronJob" or item.flag("spec", "suspend"):
        return None
    said = [*thing.scene.events_of(item, *_REASONS), *_held(thing)]
    if not said:
        return None
    told = facts.event(said[0])
    return Finding(
        target=item.ref,
        summary=f"{thing.title} starts nothing: {told.text}.",
        verdict=Verdict.ESCALATE,
        supporting=(told, *_policy(item)),
        remedies=(escalate(item.ref),),
    )


def _held(thing: Thing) -> list[KubeObject]:
    """That a Job of a former run is still at work, while no two may be."""
    if thing.object.text("spec", "concurrencyPolicy") != "Forbid":
        return []
    return thing.scene.events_of(thing.object, *_REASONS_HELD)


def _policy(item: KubeObject) -> list[Fact]:
    parts = [f"schedule {item.text('spec', 'schedule')}"]
    if item.has("spec", "startingDeadlineSeconds"):
        parts.append(f"startingDeadlineSeconds {item.integer('spec', 'startingDeadlineSeconds')}")
    if item.text("spec", "concurrencyPolicy"):
        parts.append(f"concurrencyPolicy {item.text('spec', 'concurrencyPolicy')}")
    return [facts.field(item, "spec", ", ".join(parts))]


CAUSE = Cause(
    id=CauseId("cronjob_misses"),
    title="A CronJob misses its schedule",
    faults=(74,),
    needs=("CronJob", "Event"),
    look_alikes={
        "cronjob_suspended": "it is suspended",
        "job_failed": "it starts Jobs, and they fail",
    },
    know="After 100 missed runs it stops for good, unless startingDeadlineSeconds bounds how far it looks back.",
    by_hand=(
        "kubectl -n {namespace} describe cronjob {name}",
        "kubectl -n {namespace} get jobs --sort-by=.metadata.creationTimestamp",
    ),
    thing=examine,
)
