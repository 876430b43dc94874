"""The events of an incident: the only source of every figure and page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.objects import JsonObject


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

    `about` names the object that an action touched, `str(ObjectRef)`; empty otherwise. `key` is unique within the incident: appending the same key again changes nothing, so a replayed step tells its
    story once. `seq` is given by the store, in the order of commits.
    """

    incident: IncidentId
    key: str
    kind: EventKind
    at: datetime
    body: JsonObject
    about: str = ""
    seq: int = 0
