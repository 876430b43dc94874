"""Facts before they have a number: the causes make them, `diagnosing` numbers those that are cited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.evidence import EvidenceSource
from kubernaut.domain.measures import Asked
from kubernaut.domain.objects import KubeObject, ObjectRef, Tree
from kubernaut.investigation.logs import LogLine
from kubernaut.investigation.quoting import quoted


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was read; equal facts are one fact."""

    source: EvidenceSource
    object: ObjectRef
    ref: str
    text: str
    at: datetime | None = None


def field(owner: KubeObject, path: str, text: str, at: datetime | None = None) -> Fact:
    """What a field says."""
    return Fact(EvidenceSource.FIELD, owner.ref, path, quoted(text, 300), at)


def absence(near: KubeObject, what: str, text: str) -> Fact:
    """What is not there. Only for lists that were read whole."""
    return Fact(EvidenceSource.ABSENCE, near.ref, what, quoted(text, 300))


def change(owner: KubeObject, ref: str, text: str, at: datetime | None = None) -> Fact:
    """What was changed, and when."""
    return Fact(EvidenceSource.CHANGE, owner.ref, ref, quoted(text, 400), at)


def event(occurrence: KubeObject) -> Fact:
    """What an event says."""
    involved = occurrence.tree("involvedObject")
    owner = ObjectRef(
        involved.text("apiVersion") or "v1", involved.text("kind"), involved.text("namespace"), involved.text("name")
    )
    count = event_count(occurrence)
    times = f" x{count}" if count > 1 else ""
    reason = quoted(occurrence.text("reason"), 60)
    text = f"{reason}{times}: {quoted(occurrence.text('message'), 300)}"
    return Fact(EvidenceSource.EVENT, owner, f"event {quoted(occurrence.name, 80)}", text, event_time(occurrence))


def log(line: LogLine) -> Fact:
    """What a container wrote."""
    run = "log, previous run" if line.previous else "log"
    return Fact(EvidenceSource.LOG, line.pod, f"{run}, {line.container}, line {line.number}", quoted(line.text))


def measured(owner: KubeObject, asked: Asked, text: str, at: datetime | None = None) -> Fact:
    """What Prometheus says; `ref` is the query, so that a person can ask again."""
    return Fact(EvidenceSource.METRIC, owner.ref, asked.query, quoted(text, 300), at)


def event_time(occurrence: Tree) -> datetime | None:
    """When the event was last seen."""
    paths = (("series", "lastObservedTime"), ("lastTimestamp",), ("eventTime",), ("firstTimestamp",))
    for path in (*paths, ("metadata", "creationTimestamp")):
        moment = occurrence.time(*path)
        if moment:
            return moment
    return None


def event_count(occurrence: Tree) -> int:
    """How often the event was seen."""
    return max(occurrence.integer("series", "count"), occurrence.integer("count"), 1)
