"""Where the spans of an incident's way go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from kubernaut.domain.incidents import IncidentId


class Place(StrEnum):
    """Where a span hangs: the trace begins with the alert, under which its incident stands with its steps."""

    ALERT = "alert"
    INCIDENT = "incident"
    BELOW_ALERT = "below_alert"
    BELOW_INCIDENT = "below_incident"


@dataclass(frozen=True, slots=True)
class Span:
    """A part of an incident's way. `facts` hold ids and words of our own, never a text of the cluster.

    `error` is the kind of error that it ended with, empty where it ended well.
    """

    incident: IncidentId
    place: Place
    name: str
    began: datetime
    ended: datetime
    facts: Mapping[str, str | int | float] = field(default_factory=dict)
    error: str = ""


class Tracer(Protocol):
    """Takes spans. What cannot be sent is dropped: nothing waits for it and nothing fails by it."""

    def record(self, span: Span) -> None:
        """Takes a finished span."""
