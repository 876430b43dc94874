"""The events of an incident: the only source of every figure and page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from kubernaut.domain.execution import Applied
from kubernaut.domain.incidents import Incident, IncidentId
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.objects import JsonObject, Tree
from kubernaut.domain.signals import Signal


class EventKind(StrEnum):
    """What happened."""

    RECEIVED = "received"
    JOINED = "joined"
    RESOLVED = "resolved"
    DIAGNOSED = "diagnosed"
    RECALLED = "recalled"
    MODEL_ASKED = "model_asked"
    PLANNED = "planned"
    ASKED = "asked"
    APPROVED = "approved"
    REJECTED = "rejected"
    PREVIEWED = "previewed"
    PROPOSED = "proposed"
    NOTICED = "noticed"
    COMPARED = "compared"
    INTENDED = "intended"
    APPLIED = "applied"
    SUBMITTED = "submitted"
    REFUSED = "refused"
    OBSERVED = "observed"
    VERIFIED = "verified"
    UNDONE = "undone"
    NOTIFIED = "notified"
    VALUED = "valued"
    LEARNED = "learned"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to an incident.

    `about` names the object that an action touched, `str(ObjectRef)`; empty otherwise. `key` is unique within the
    incident: appending the same key again changes nothing, so a replayed step tells its story once. `seq` is given by
    the store, in the order of commits, and so is `phase`: where the incident went with the event, None where it stayed.
    """

    incident: IncidentId
    key: str
    kind: EventKind
    at: datetime
    body: JsonObject
    about: str = ""
    seq: int = 0
    phase: Phase | None = None

    def decided_by(self, guard: str) -> Event:
        """The event with the guard that its incident is found by from now on; unchanged where there is none."""
        return replace(self, body={**self.body, "decided_by": guard}) if guard else self


def told_by_signal(kind: EventKind, signal: Signal, incident: IncidentId) -> Event:
    """The `received`, `joined` or `resolved` event of a signal; its key makes a second admission tell nothing."""
    body: JsonObject = {
        "signal": signal.id,
        "alert": signal.name,
        "alert_key": signal.alert_key,
        "source": signal.source,
        "starts_at": signal.starts_at.isoformat(),
    }
    if signal.ends_at is not None:
        body["ends_at"] = signal.ends_at.isoformat()
    if kind is EventKind.RECEIVED:
        # Only with the first: those that join have the same alert or the same fault, and a storm would store them a
        # thousand times.
        body["labels"] = dict(signal.labels)
        body["annotations"] = dict(signal.annotations)
    return Event(incident, f"{kind}:{signal.id}", kind, signal.received_at, body)


def told_by_opening(signal: Signal, opened: Incident) -> Event:
    """The `received` event, which holds the incident as it was opened: its state can be rebuilt from events alone."""
    event = told_by_signal(EventKind.RECEIVED, signal, opened.id)
    target, reported = (
        {"api_version": ref.api_version, "kind": ref.kind, "namespace": ref.namespace, "name": ref.name}
        for ref in (opened.target, opened.reported)
    )
    event.body["opened"] = {
        "fingerprint": opened.fingerprint,
        "target": dict(target),
        "reported": dict(reported),
        "alert": opened.alert,
        "severity": opened.severity,
        "started_at": opened.started_at.isoformat(),
        "opened_at": opened.opened_at.isoformat(),
        "phase": opened.phase,
    }
    return event


def told_by_closing(incident: IncidentId, ending: Ending, *, reason: str, at: datetime) -> Event:
    """The one `closed` event of an incident."""
    return Event(incident, "closed", EventKind.CLOSED, at, {"ending": ending, "reason": reason})


def cause_told(event: Event) -> str | None:
    """The cause that a `diagnosed` event names, empty where nothing wrong was found; None for any other event."""
    if event.kind is not EventKind.DIAGNOSED:
        return None
    hypotheses = Tree(event.body).trees("diagnosis", "hypotheses")
    return hypotheses[0].text("cause") if hypotheses else ""


_BEGUN = frozenset({EventKind.APPLIED, EventKind.INTENDED, EventKind.SUBMITTED})
# All that tells of attempts; the alerts that joined an incident in a storm are thousands of events beside these.
OF_ATTEMPTS = (*sorted(_BEGUN), EventKind.REFUSED, EventKind.UNDONE)


def unsettled_attempt(events: Sequence[Event]) -> Event | None:
    """The last attempt that was neither refused nor taken back: its `applied` event, or else its `intended` one.

    An attempt that broke off counts: whether the API server took the change is not known, so it has to be looked at.
    So does one whose taking back was refused, of the whole or of a part: something stands. What was submitted to an
    owner is an attempt, too.
    """
    over = {attempt_of(event) for event in events if _left_nothing(event) or is_undoing(event)}
    begun = (event for event in reversed(events) if event.kind in _BEGUN)
    return next((event for event in begun if attempt_of(event) not in over), None)


def was_done(event: Event) -> bool:
    """Whether what an `applied` or `undone` event tells of was done, then or before: one that was refused was not."""
    return Tree(event.body).text("execution", "applied") in {Applied.DONE, Applied.ALREADY}


def _left_nothing(event: Event) -> bool:
    """Whether an attempt was refused, and none of its parts stands."""
    return event.kind is EventKind.REFUSED and not Tree(event.body).texts("execution", "left")


def is_undoing(event: Event) -> bool:
    """Whether an attempt was taken back with it."""
    return event.kind is EventKind.UNDONE and was_done(event)


def attempt_of(event: Event) -> str:
    """The number of the attempt that the event's key ends with."""
    # Keys outlive versions: stored logs are read by this rule, so a key's form never changes.
    return event.key.rpartition("-")[2]
