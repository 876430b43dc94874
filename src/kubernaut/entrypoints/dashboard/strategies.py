"""What works here: each remedy for each cause, counted from what was verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.errors import UnknownName
from kubernaut.domain.execution import Effect
from kubernaut.domain.shares import wilson_interval
from kubernaut.entrypoints.dashboard.tally import Attempt, Tally
from kubernaut.ports import Clock

# Under this many nothing is ranked: luck would win.
FEWEST = 10
_WEEKS = 4
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Strategy:
    """One remedy for one cause. `low` and `high` are the 95 % Wilson interval of the share healed.

    `weeks` are (healed, tried) of the last four weeks, the oldest first; `undone` counts attempts that were followed
    by taking them back.
    """

    cause: str
    action: str
    tried: int
    healed: int
    undone: int
    low: float
    high: float
    weeks: tuple[tuple[int, int], ...]
    last: datetime

    @property
    def is_ranked(self) -> bool:
        """Whether there is enough experience to compare it."""
        return self.tried >= FEWEST


@dataclass(frozen=True, slots=True)
class Strategies:
    """The page. `complete` is False while the journal is still being read."""

    complete: bool
    ranked: tuple[Strategy, ...]
    few: tuple[Strategy, ...]
    most_undone: tuple[Strategy, ...]


@dataclass(frozen=True, slots=True)
class Tries:
    """The attempts behind one strategy's figures, newest first."""

    strategy: Strategy
    attempts: tuple[Attempt, ...]


def read_strategies(tally: Tally, clock: Clock) -> Strategies:
    """All of them; those with enough experience by their lower bound, so that luck with three does not win."""
    every = [_strategy(tally, key, clock.now()) for key in tally.attempts]
    ranked = sorted((one for one in every if one.is_ranked), key=lambda one: (-one.low, one.cause, one.action))
    few = sorted((one for one in every if not one.is_ranked), key=lambda one: (-one.tried, one.cause, one.action))
    undone = [one for one in every if one.tried - one.healed > one.healed]
    worst = sorted(undone, key=lambda one: (one.healed - one.tried, one.cause, one.action))
    return Strategies(tally.is_complete, tuple(ranked), tuple(few), tuple(worst[:5]))


def read_tries(tally: Tally, clock: Clock, cause: str, action: str) -> Tries:
    """What one strategy's figures are counted from; raises `UnknownName` where it was never tried."""
    attempts = tally.attempts.get((cause, action))
    if not attempts:
        raise UnknownName(f"{action[:80]} was never tried for {cause[:80]}", help="GET /strategies lists what was")
    return Tries(_strategy(tally, (cause, action), clock.now()), tuple(reversed(attempts)))


def _strategy(tally: Tally, key: tuple[str, str], now: datetime) -> Strategy:
    cause, action = key
    attempts = tally.attempts[key]
    healed = sum(one.effect == Effect.HEALED for one in attempts)
    low, high = wilson_interval(healed, len(attempts))
    taken_back = {one.incident for one in tally.undone.get(action, ())}
    return Strategy(
        cause=cause,
        action=action,
        tried=len(attempts),
        healed=healed,
        undone=sum(one.incident in taken_back for one in attempts if one.effect != Effect.HEALED),
        low=low,
        high=high,
        weeks=tuple(_week(attempts, now - back * _WEEK) for back in reversed(range(_WEEKS))),
        last=attempts[-1].at,
    )


def _week(attempts: list[Attempt], end: datetime) -> tuple[int, int]:
    within = [one.effect == Effect.HEALED for one in attempts if end - _WEEK < one.at <= end]
    return sum(within), len(within)
