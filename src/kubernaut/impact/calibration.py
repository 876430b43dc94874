"""Whether the confidence of diagnoses means what it says: what was said before each remedy, and whether it healed.

Only verified attempts count. A remedy that heals is the best proof of a cause that can be had without a person, and no
perfect one: a right cause with a remedy that does not help counts against the confidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kubernaut.domain.execution import Effect
from kubernaut.domain.journal import EventKind
from kubernaut.domain.objects import Tree
from kubernaut.domain.shares import wilson_interval
from kubernaut.impact.clocks import History
from kubernaut.impact.figures import Figure, not_computable

# Tenths, as most papers on calibration use; the error depends on their number, so it is never changed quietly.
_BINS = 10
_INTERVAL = "95 %, Wilson of each tenth; incidents taken as independent"
_NOTHING = "nothing was applied and verified"


@dataclass(frozen=True, slots=True)
class Bin:
    """The attempts whose confidence lies between `low` and the next tenth: how sure, and how often right."""

    low: float
    attempts: int
    confidence: float
    healed: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """`brier` is the mean squared distance of confidence and outcome: 0 is perfect, 0.25 a coin toss.

    `error` is the expected calibration error: the mean distance of confidence and share of healed over the tenths, each
    weighted by its attempts. Their intervals let the share of each tenth lie anywhere in its Wilson interval, all of
    them at their best or worst at once: wide on purpose, since a few answers that were all right prove little.
    """

    brier: Figure
    error: Figure
    bins: tuple[Bin, ...]


def calibration(histories: Sequence[History]) -> Calibration:
    """The calibration of these incidents, from their events alone."""
    return calibration_of([pair for history in histories for pair in _attempts(history)], nothing=_NOTHING)


def calibration_of(pairs: Sequence[tuple[float, bool]], *, nothing: str) -> Calibration:
    """The same of any answers, each with its confidence and whether it was right; `nothing` says why there is none."""
    if not pairs:
        return Calibration(not_computable("", nothing), not_computable("", nothing), ())
    n = len(pairs)
    bins = tuple(one for number in range(_BINS) if (one := _bin(number, pairs)))
    brier = sum((sure - right) ** 2 for sure, right in pairs) / n
    error = sum(one.attempts * abs(one.confidence - one.healed) for one in bins) / n
    return Calibration(_figure(brier, pairs, _brier_at), _figure(error, pairs, _error_at), bins)


def _figure(value: float, pairs: Sequence[tuple[float, bool]], at: Callable[[Sequence[float], float], float]) -> Figure:
    """With the least and the most that it can be while each tenth's share is within its interval."""
    low = high = 0.0
    for number in range(_BINS):
        inside = _inside(number, pairs)
        if inside:
            sure = [one for one, _ in inside]
            ends = wilson_interval(sum(right for _, right in inside), len(inside))
            mean = sum(sure) / len(sure)
            found = [at(sure, share) for share in (*ends, min(max(mean, ends[0]), ends[1]))]
            low, high = low + min(found), high + max(found)
    n = len(pairs)
    return Figure("", n, value, low=low / n, high=high / n, interval=_INTERVAL)


def _brier_at(sure: Sequence[float], share: float) -> float:
    """The sum of squared distances to expect where so many are right."""
    return sum(share * (1 - one) ** 2 + (1 - share) * one**2 for one in sure)


def _error_at(sure: Sequence[float], share: float) -> float:
    return abs(sum(sure) - share * len(sure))


def _attempts(history: History) -> list[tuple[float, bool]]:
    """What the diagnosis before each verified attempt said of its cause, and whether it healed."""
    sure: dict[str, float] = {}
    found = []
    for event in history.events:
        body = Tree(event.body)
        if event.kind is EventKind.DIAGNOSED:
            named = reversed(body.trees("diagnosis", "hypotheses"))
            # The look before the attempt: what was believed once it had been tried is no forecast.
            sure = {one.text("cause"): one.number("confidence") for one in named}
        elif event.kind is EventKind.VERIFIED and body.text("cause") in sure:
            found.append((sure[body.text("cause")], body.text("verification", "effect") == Effect.HEALED))
    return found


def _bin(number: int, pairs: Sequence[tuple[float, bool]]) -> Bin | None:
    inside = _inside(number, pairs)
    if not inside:
        return None
    n = len(inside)
    return Bin(number / _BINS, n, sum(sure for sure, _ in inside) / n, sum(healed for _, healed in inside) / n)


def _inside(number: int, pairs: Sequence[tuple[float, bool]]) -> list[tuple[float, bool]]:
    # A confidence of exactly 1 belongs to the last tenth and opens none of its own.
    return [pair for pair in pairs if min(int(pair[0] * _BINS), _BINS - 1) == number]
