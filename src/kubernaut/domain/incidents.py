"""One problem of one object, from its first signal to its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.objects import ObjectRef

IncidentId = NewType("IncidentId", str)
Fingerprint = NewType("Fingerprint", str)


@dataclass(frozen=True, slots=True)
class Incident:
    """What triage made of a signal.

    `target` is the top-level owner; `reported` the object that the alert named. `ending` and `reason` are empty while
    it is open.
    """

    id: IncidentId
    fingerprint: Fingerprint
    target: ObjectRef
    reported: ObjectRef
    alert: str
    severity: str
    started_at: datetime
    opened_at: datetime
    phase: Phase = Phase.TRIAGE
    signals: int = 1
    ending: Ending | None = None
    reason: str = ""
    closed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether something may still happen to it."""
        return self.phase is not Phase.CLOSED
