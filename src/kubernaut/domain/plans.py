"""What is going to be done, or why nothing is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kubernaut.domain.diagnosis import ActionCall


class Decision(StrEnum):
    """What planning decided."""

    ACT = "act"
    ASK = "ask"
    ESCALATE = "escalate"
    DECLINE = "decline"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One remedy with its record: `lower_bound` is the 95 % Wilson bound of its verified success for this cause."""

    call: ActionCall
    healed: int
    tried: int
    lower_bound: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The decision with its reason.

    `guard` names the rule that decided, `help` the exact command that would lift a refusal.
    """

    decision: Decision
    reason: str
    guard: str = ""
    help: str = ""
    chosen: Candidate | None = None
    alternatives: tuple[Candidate, ...] = ()
