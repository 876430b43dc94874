"""Whether the confidence of diagnoses means what it says: what was said before each remedy, and whether it healed.

Only verified attempts count. A remedy that heals is the best proof of a cause that can be had without a person, and no
perfect one: a right cause with a remedy that does not help counts against the confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubernaut.domain.execution import Effect
from kubernaut.domain.journal import EventKind
from kubernaut.domain.objects import Tree
from kubernaut.impact.clocks import History
from kubernaut.impact.figures import Figure, not_computable

_BINS = 10
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
    weighted by its attempts.
    """

    brier: Figure
    error: Figure
    bins: tuple[Bin, ...]


def calibration(histories: Sequence[History]) -> Calibration:
    """The calibration of these incidents, from their events alone."""
    pairs = [pair for history in histories for pair in _attempts(history)]
    if not pairs:
        return Calibration(not_computable("", _NOTHING), not_computable("", _NOTHING), ())
    n = len(pairs)
    bins = tuple(one for number in range(_BINS) if (one := _bin(number, pairs)))
    brier = sum((sure - healed) ** 2 for sure, healed in pairs) / n
    error = sum(one.attempts * abs(one.confidence - one.healed) for one in bins) / n
    return Calibration(Figure("", n, brier), Figure("", n, error), bins)


def _attempts(history: History) -> list[tuple[float, bool]]:
    """What the diagnosis before each verified attempt said of its cause, and whether it healed."""
    sure: dict[str, float] = {}
    found = []
    for event in history.events:
        body = Tree(event.body)
        if event.kind is EventKind.DIAGNOSED:
            named = reversed(body.trees("diagnosis", "hypotheses"))
            sure = {one.text("cause"): one.number("confidence") for one in named}
        elif event.kind is EventKind.VERIFIED and body.text("cause") in sure:
            found.append((sure[body.text("cause")], body.text("verification", "effect") == Effect.HEALED))
    return found


def _bin(number: int, pairs: Sequence[tuple[float, bool]]) -> Bin | None:
    inside = [pair for pair in pairs if min(int(pair[0] * _BINS), _BINS - 1) == number]
    if not inside:
        return None
    n = len(inside)
    return Bin(number / _BINS, n, sum(sure for sure, _ in inside) / n, sum(healed for _, healed in inside) / n)
