"""Which remedy first: what was verified to help this cause before, else the order that the cause gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kubernaut.domain.diagnosis import ActionCall, ActionId
from kubernaut.domain.plans import Candidate

# Below this many trials a record says less than the order that the cause file gives.
TRUSTED_TRIALS = 5

Record = Callable[[ActionId], tuple[int, int, float]]


def rank(remedies: Sequence[ActionCall], *, record: Record) -> tuple[Candidate, ...]:
    """The remedies as candidates, best first.

    `record` gives (healed, tried, 95 % lower bound) of an action for the cause at hand. Candidates are ordered by that
    bound only among those with enough trials; the others keep the place that the cause gave them.
    """
    candidates = [Candidate(call, *record(call.action)) for call in remedies]
    trusted = sorted((each for each in candidates if each.tried >= TRUSTED_TRIALS), key=lambda each: -each.lower_bound)
    ordered = iter(trusted)
    return tuple(next(ordered) if each.tried >= TRUSTED_TRIALS else each for each in candidates)
