"""Which remedy first: what was verified to help this cause before, else the order that the cause gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.plans import Candidate, Standing, strategy_record

# Below this many trials a record says less than the order that the cause file gives.
TRUSTED_TRIALS = 5
# Records that differ by less are equally good: then the smaller risk counts, and then the shorter watch.
# Steps and not differences, so that the order is one: nearly equal is not transitive.
_STEP = 0.05

Record = Callable[[Candidate], Standing]
_NO_RISKS: Mapping[ActionId, int] = MappingProxyType({})


def rank(
    candidates: Sequence[Candidate], *, record: Record, risks: Mapping[ActionId, int] = _NO_RISKS
) -> tuple[Candidate, ...]:
    """The candidates with their records, best first.

    `record` gives the standing of a remedy for the cause at hand, `risks` what may be lost while its action goes on (0
    is nothing). Candidates are ordered by their bound only among those with enough trials; the others keep the place
    that they were given.
    """
    standings = [record(candidate) for candidate in candidates]
    ranked = [_with(candidate, standing) for candidate, standing in zip(candidates, standings, strict=True)]
    seconds = {id(candidate): standing.seconds for candidate, standing in zip(ranked, standings, strict=True)}

    def order(candidate: Candidate) -> tuple[float, int, float, float]:
        took = seconds[id(candidate)]
        step = -round(candidate.lower_bound / _STEP)
        risk = risks.get(candidate.call.action, 0)
        return step, risk, float("inf") if took is None else took, -candidate.lower_bound

    ordered = iter(sorted(filter(is_trusted, ranked), key=order))
    return tuple(next(ordered) if is_trusted(each) else each for each in ranked)


def record_name(candidate: Candidate) -> str:
    """What the record of the candidate goes by: a strategy has one of its own, beside those of its actions."""
    return strategy_record(candidate.course.strategy) if candidate.course else candidate.call.action


def is_trusted(candidate: Candidate) -> bool:
    """Whether it was tried often enough for its record to count."""
    return candidate.tried >= TRUSTED_TRIALS


def unproven(ranked: Sequence[Candidate]) -> Candidate | None:
    """The first candidate that could be tried in place of a proven one, to learn about it; None where none could."""
    if not ranked or not is_trusted(ranked[0]):
        return None
    return next((each for each in ranked[1:] if not is_trusted(each)), None)


def _with(candidate: Candidate, standing: Standing) -> Candidate:
    return replace(candidate, healed=standing.healed, tried=standing.tried, lower_bound=standing.lower_bound)
