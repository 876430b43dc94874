"""One problem of one object, from its first signal to its end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NewType

from kubernaut.domain.errors import TransitionRefused
from kubernaut.domain.lifecycle import Ending, Phase, may_close, may_follow
from kubernaut.domain.objects import ObjectRef

IncidentId = NewType("IncidentId", str)
Fingerprint = NewType("Fingerprint", str)


@dataclass(frozen=True, slots=True)
class Incident:
    """What triage made of a signal.

    `target` is the top-level owner; `reported` the object that the alert named. `ending` and `reason` are empty while
    it is open. `guard` names the rule that decided last what is done, such as `unmanaged` or `allowed`.
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
    guard: str = ""

    @property
    def is_open(self) -> bool:
        """Whether something may still happen to it."""
        return self.phase is not Phase.CLOSED

    @property
    def words(self) -> str:
        """What a search for text looks through, in lower case."""
        parts = (self.id, self.alert, self.severity, self.target, self.reported, self.reason)
        return " ".join(map(str, parts)).lower()

    def moved_to(self, phase: Phase) -> Incident:
        """The incident in that open phase; raises `TransitionRefused` where the table has no such way."""
        if phase is Phase.CLOSED:
            raise TransitionRefused(f"{self.id} is closed with its ending, not by moving it")
        self._check_way_to(phase)
        return replace(self, phase=phase)

    def joined_once_more(self) -> Incident:
        """The incident with one more signal counted."""
        return replace(self, signals=self.signals + 1)

    def decided_by(self, guard: str) -> Incident:
        """The incident with the rule that decided, where one is named."""
        return replace(self, guard=guard) if guard else self

    def closed_as(self, ending: Ending, *, reason: str, at: datetime) -> Incident:
        """The incident at its end; raises `TransitionRefused` where it is not in a phase that may close."""
        if not may_close(self.phase, ending):
            raise TransitionRefused(f"{self.id} cannot close as {ending} from {self.phase}")
        return replace(self, phase=Phase.CLOSED, ending=ending, reason=reason, closed_at=at)

    def _check_way_to(self, phase: Phase) -> None:
        if not may_follow(self.phase, phase):
            raise TransitionRefused(f"{self.id} cannot go from {self.phase} to {phase}")
