"""What is going to be done, or why nothing is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from kubernaut.domain.diagnosis import ActionCall
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import ObjectRef
from kubernaut.domain.ownership import Claim
from kubernaut.domain.proposals import Proposal


class Decision(StrEnum):
    """What planning decided: `wait` looks again later, `close` ends the incident."""

    ACT = "act"
    ASK = "ask"
    WAIT = "wait"
    CLOSE = "close"


class Standing(NamedTuple):
    """What an action did for a cause: `lower_bound` of the share healed as it counts here, mean `seconds` watched."""

    healed: int = 0
    tried: int = 0
    lower_bound: float = 0.0
    seconds: float | None = None


class OnFailure(StrEnum):
    """What follows where a step of a strategy was refused or did not help; the step itself is taken back anyway.

    `undo` takes back the steps before it, too, and `escalate` leaves those as they are and calls people.
    """

    NEXT = "next"
    UNDO = "undo"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True)
class Course:
    """Which step of which strategy a remedy is, and what the strategy says about it.

    `digest` tells one version of the strategy from the next. A step that only `prepares` is kept once its object has
    settled, and the next one follows; any other has to heal. `window_s` may lengthen the watch, and never shortens it.
    """

    strategy: str
    digest: str
    step: int
    of: int
    on_failure: OnFailure = OnFailure.NEXT
    prepares: bool = False
    window_s: float = 0.0

    def __str__(self) -> str:
        """`step 1 of 2 of strategy raise-memory`."""
        return f"step {self.step} of {self.of} of strategy {self.strategy}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One remedy with its record: `lower_bound` is that of its verified success for this cause in this place.

    Without a course it is what the cause recommends by itself. `claim` is that of the owner who would put the change
    back; `stop_gap` names the rule of the policy that lets it be made all the same, while it is proposed to the owner.
    """

    call: ActionCall
    healed: int
    tried: int
    lower_bound: float
    course: Course | None = None
    claim: Claim | None = None
    stop_gap: str = ""


class Outcome(StrEnum):
    """What came of a remedy that did not heal."""

    PREPARED = "prepared"
    REFUSED = "refused"
    UNCHANGED = "unchanged"
    WORSE = "worse"
    REVERTED = "reverted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Trial:
    """A remedy that was tried for the incident at hand, and what came of it."""

    candidate: Candidate
    outcome: Outcome

    @property
    def call(self) -> ActionCall:
        """What was tried."""
        return self.candidate.call


@dataclass(frozen=True, slots=True)
class Plan:
    """The decision with its reason.

    `guard` names the rule that decided, `help` the exact command that would lift a refusal, `ending` how the incident
    closes when the decision is to close it. `rule` is the part of the policy behind the guard, if there is one, and
    `approvers` who alone may consent, anybody where it is empty. A request for consent is open until `expires_at`.
    `asks` says of a proposal that it would have needed consent.
    """

    decision: Decision
    reason: str
    guard: str = ""
    help: str = ""
    ending: Ending | None = None
    chosen: Candidate | None = None
    alternatives: tuple[Candidate, ...] = ()
    rule: str = ""
    approvers: tuple[str, ...] = ()
    expires_at: datetime | None = None
    open_for: timedelta | None = None
    asks: bool = False

    @property
    def is_proposal(self) -> bool:
        """Whether a remedy was chosen that is told to people and not taken."""
        return self.decision is Decision.CLOSE and self.chosen is not None

    @property
    def options(self) -> tuple[Candidate, ...]:
        """What may be consented to: the proposal is number 1."""
        return () if self.chosen is None else (self.chosen, *self.alternatives)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How an incident ends, and why; `help` is the command that a person would type next.

    `final` is False after an attempt that failed and left nothing behind: another remedy may be tried. `guard` names
    the rule that decided, where one did. `proposal` is what was proposed and not done.
    """

    ending: Ending
    reason: str
    help: str = ""
    final: bool = True
    guard: str = ""
    proposal: Proposal | None = None


def strategy_record(strategy: str) -> str:
    """The name that the record of a strategy goes by among those of the actions."""
    return f"strategy/{strategy}"


def lease_name(target: ObjectRef) -> str:
    """The lease that whoever acts on the object holds."""
    return f"target:{target.api_version}/{target}"
