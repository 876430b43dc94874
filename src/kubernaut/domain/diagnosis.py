"""What is wrong, how sure we are, and which remedies fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType, TypeAlias

from kubernaut.domain.evidence import Evidence, EvidenceId, EvidenceSource, NotRead
from kubernaut.domain.objects import ObjectRef

CauseId = NewType("CauseId", str)
ActionId = NewType("ActionId", str)
Parameter: TypeAlias = str | int | float | bool
# What a change needs is often made moments after it: accounts, claims, Services of the same release.
CHANGE_SETTLES: Final = timedelta(minutes=2)


class Verdict(StrEnum):
    """What the diagnosis itself allows, before policy: `act` is bounded, reversible and unambiguous."""

    ACT = "act"
    APPROVE = "approve"
    ESCALATE = "escalate"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class ActionCall:
    """One action of the catalogue with its target and its typed parameters."""

    action: ActionId
    target: ObjectRef
    parameters: Mapping[str, Parameter]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One possible cause. What has supporting evidence is a finding; what has none is only a guess.

    `confidence` is computed, 0..1; `remedies` are ordered, best first; `by_hand` are the commands a person
    would type.
    """

    cause: CauseId
    target: ObjectRef
    confidence: float
    verdict: Verdict
    summary: str
    supporting: tuple[EvidenceId, ...]
    contradicting: tuple[EvidenceId, ...] = ()
    remedies: tuple[ActionCall, ...] = ()
    by_hand: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All hypotheses, best first, with the evidence they cite. `best` is None where nothing wrong was found."""

    target: ObjectRef
    hypotheses: tuple[Hypothesis, ...]
    evidence: tuple[Evidence, ...]
    not_read: tuple[NotRead, ...] = ()
    decided_by: str = "rules"

    @property
    def changed_at(self) -> datetime | None:
        """When the newest change was made that the best hypothesis cites; None where it cites none."""
        cited = self.best.supporting if self.best else ()
        changes = (each for each in self.evidence if each.id in cited and each.source is EvidenceSource.CHANGE)
        return max((each.at for each in changes if each.at is not None), default=None)

    @property
    def best(self) -> Hypothesis | None:
        """The most likely cause."""
        return self.hypotheses[0] if self.hypotheses else None

    def cited(self, hypothesis: Hypothesis) -> tuple[Evidence, ...]:
        """The evidence that supports the hypothesis, in its order."""
        known = {fact.id: fact for fact in self.evidence}
        return tuple(known[key] for key in hypothesis.supporting)
