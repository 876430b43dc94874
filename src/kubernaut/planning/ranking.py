"""Which remedy first: what was verified to help this cause before, else the order that the cause gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from kubernaut.domain.diagnosis import ActionCall, ActionId
from kubernaut.domain.plans import Candidate, Standing

# Below this many trials a record says less than the order that the cause file gives.
TRUSTED_TRIALS = 5
# Records that differ by less are equally good: then the smaller risk counts, and then the shorter watch.
_STEP = 0.05

Record = Callable[[ActionId], Standing]
_NO_RISKS: Mapping[ActionId, int] = MappingProxyType({})


def rank(
    remedies: Sequence[ActionCall], *, record: Record, risks: Mapping[ActionId, int] = _NO_RISKS
) -> tuple[Candidate, ...]:
    """The remedies as candidates, best first.

    `record` gives the standing of an action for the cause at hand, `risks` what may be lost while it goes on (0 is
    nothing). Candidates are ordered by their bound only among those with enough trials; the others keep the place that
    the cause gave them.
    """
    candidates = [_candidate(call, record(call.action)) for call in remedies]

    def order(candidate: Candidate) -> tuple[float, int, float, float]:
        action = candidate.call.action
        seconds = record(action).seconds
        step = -round(candidate.lower_bound / _STEP)
        return step, risks.get(action, 0), float("inf") if seconds is None else seconds, -candidate.lower_bound

    ordered = iter(sorted(filter(is_trusted, candidates), key=order))
    return tuple(next(ordered) if is_trusted(each) else each for each in candidates)


def is_trusted(candidate: Candidate) -> bool:
    """Whether it was tried often enough for its record to count."""
    return candidate.tried >= TRUSTED_TRIALS


def unproven(ranked: Sequence[Candidate]) -> Candidate | None:
    """The first candidate that could be tried in place of a proven one, to learn about it; None where none could."""
    if not ranked or not is_trusted(ranked[0]):
        return None
    return next((each for each in ranked[1:] if not is_trusted(each)), None)


def _candidate(call: ActionCall, standing: Standing) -> Candidate:
    return Candidate(call, standing.healed, standing.tried, standing.lower_bound)
