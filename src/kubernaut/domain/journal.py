"""The events of an incident: the only source of every figure and page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import JsonObject
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
    INTENDED = "intended"
    APPLIED = "applied"
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
    the store, in the order of commits.
    """

    incident: IncidentId
    key: str
    kind: EventKind
    at: datetime
    body: JsonObject
    about: str = ""
    seq: int = 0


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
        body["labels"] = dict(signal.labels)
        body["annotations"] = dict(signal.annotations)
    return Event(incident, f"{kind}:{signal.id}", kind, signal.received_at, body)


def told_by_closing(incident: IncidentId, ending: Ending, *, reason: str, at: datetime) -> Event:
    """The one `closed` event of an incident."""
    return Event(incident, "closed", EventKind.CLOSED, at, {"ending": ending, "reason": reason})
