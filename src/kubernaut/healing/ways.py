"""How far an incident has come: what was tried, and what stands for the next step of a strategy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kubernaut.domain.execution import Applied, Execution, Intent
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.plans import Candidate, Conclusion, OnFailure, Outcome, Trial

# The endings after which what was prepared has served its purpose.
_WELL = frozenset({Ending.HEALED, Ending.SELF_RESOLVED, Ending.NO_ACTION_NEEDED})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A step that is in force for the steps after it, and the number of its attempt."""

    attempt: int
    candidate: Candidate
    intent: Intent


@dataclass(frozen=True, slots=True)
class Acted:
    """What came of an attempt; `outcome` is None where it healed, `intent` what it wrote, if it wrote anything."""

    conclusion: Conclusion
    outcome: Outcome | None = None
    intent: Intent | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """The attempts so far.

    What `standing` holds is taken back unless its strategy goes on or the fault is gone; `left` names what could not
    be taken back. `stands`: the last remedy is in force though it is not known to have helped.
    """

    trials: tuple[Trial, ...] = ()
    standing: tuple[Prepared, ...] = ()
    left: tuple[str, ...] = ()
    undone: bool = False
    stands: bool = False

    @property
    def attempt(self) -> int:
        """The number of the next attempt."""
        return len(self.trials) + 1

    @property
    def failures(self) -> int:
        """Attempts that did not do what they were meant to."""
        return sum(trial.outcome is not Outcome.PREPARED for trial in self.trials)

    def goes_on(self, chosen: Candidate) -> bool:
        """Whether the candidate is a further step of the strategy whose steps stand."""
        course = chosen.course
        others = {each.candidate.course.strategy for each in self.standing if each.candidate.course}
        return not others or (course is not None and others == {course.strategy})

    def after(self, candidate: Candidate, acted: Acted) -> Way:
        """The way with one more attempt."""
        if acted.outcome is None:
            return self
        way = replace(self, trials=(*self.trials, Trial(candidate, acted.outcome)))
        if acted.outcome is Outcome.PREPARED and acted.intent is not None:
            return replace(way, standing=(*way.standing, Prepared(self.attempt, candidate, acted.intent)))
        # What was written is taken back, or else people are told that it is not.
        stands = acted.intent is not None and acted.conclusion.ending is Ending.ESCALATED
        return replace(way, undone=way.undone or acted.conclusion.ending is Ending.UNDONE, stands=stands)

    @property
    def calls_people(self) -> bool:
        """Whether the last attempt failed in a way after which a person has to look before anything else is touched."""
        if not self.trials or self.trials[-1].outcome is Outcome.PREPARED:
            return False
        last = self.trials[-1]
        course = last.candidate.course
        looked_at = last.outcome in {Outcome.UNKNOWN, Outcome.REVERTED}
        return looked_at or (course is not None and course.on_failure is OnFailure.ESCALATE)

    def lets_go(self, ending: Ending) -> bool:
        """Whether what stands has to be taken back before the incident ends so."""
        return bool(self.standing) and ending not in _WELL and not self.calls_people

    def without_what_stood(self, backs: Sequence[tuple[Prepared, Execution]]) -> Way:
        """The way once that was tried to be taken back."""
        left = [
            str(each.candidate.call.action)
            for each, back in backs
            if back.applied is Applied.REFUSED and each.intent.can_be_undone
        ]
        undone = self.undone or any(back.applied is not Applied.REFUSED for _, back in backs)
        return replace(self, standing=(), left=(*self.left, *left), undone=undone)

    def ended(self, conclusion: Conclusion, incident: str) -> Conclusion:
        """The conclusion, telling what still stands; what is handed over after an undo is called undone."""
        in_force = (*self.left, *(str(each.candidate.call.action) for each in self.standing))
        if in_force and conclusion.ending not in _WELL:
            names = ", ".join(in_force)
            reason = f"{conclusion.reason}; still in force: {names}"
            help_ = conclusion.help or f"kubernaut incidents undo {incident}"
            conclusion = replace(conclusion, reason=reason, help=help_)
        handed_over = conclusion.ending is Ending.ESCALATED and not self.stands
        return replace(conclusion, ending=Ending.UNDONE) if self.undone and handed_over else conclusion
