"""Places on the charts that the server draws: values alone, so that a template only puts them down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.incidents import Incident, IncidentId

# The drawing's own units; it is scaled to the page.
WIDTH, HEIGHT = 1000.0, 200.0
_LEFT, _TOP, _BOTTOM = 60.0, 8.0, 22.0
_MOST_DOTS = 250


@dataclass(frozen=True, slots=True)
class LogAxis:
    """An axis of times in powers of ten: `ticks` are (place, seconds)."""

    low: float
    high: float
    ticks: tuple[tuple[float, float], ...]

    def place(self, seconds: float) -> float:
        """How far down it stands."""
        share = (math.log10(max(seconds, self.low)) - math.log10(self.low)) / math.log10(self.high / self.low)
        return HEIGHT - _BOTTOM - min(1.0, share) * (HEIGHT - _BOTTOM - _TOP)


@dataclass(frozen=True, slots=True)
class Dot:
    """One incident."""

    x: float
    y: float
    incident: IncidentId
    seconds: float


def log_axis(seconds: Sequence[float]) -> LogAxis:
    """From the power of ten under the least to the one over the most; times are log-normal, so this is their scale."""
    low = 10.0 ** math.floor(math.log10(max(0.1, min(seconds, default=1.0))))
    high = max(low * 10, 10.0 ** math.ceil(math.log10(max(1.0, *seconds, low * 10))))
    bare = LogAxis(low, high, ())
    powers = [low * 10**step for step in range(round(math.log10(high / low)) + 1)]
    return LogAxis(low, high, tuple((bare.place(power), power) for power in powers))


def dots_of(healed: Sequence[Incident], *, since: datetime, until: datetime) -> tuple[LogAxis, tuple[Dot, ...]]:
    """The incidents over time, each at how long it took; of very many every second, third and so on."""
    times = [(one, (one.closed_at - one.started_at).total_seconds()) for one in healed if one.closed_at is not None]
    shown = times[:: math.ceil(len(times) / _MOST_DOTS) or 1]
    axis = log_axis([seconds for _, seconds in shown])
    span = (until - since).total_seconds()

    def across(one: Incident) -> float:
        share = (one.opened_at - since).total_seconds() / span
        return _LEFT + min(1.0, max(0.0, share)) * (WIDTH - _LEFT - 8)

    return axis, tuple(Dot(across(one), axis.place(seconds), one.id, seconds) for one, seconds in shown)


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval with its mark on a scale that holds 0; all four in hundredths of the width."""

    zero: float
    low: float
    mark: float
    high: float


def interval_bar(low: float, mark: float, high: float) -> Bar:
    """Where an interval stands on the scale from the least to the most of it and 0."""
    start, end = min(0.0, low), max(0.0, high)
    span = (end - start) or 1.0
    zero, first, middle, last = (100 * (value - start) / span for value in (0.0, low, mark, high))
    return Bar(zero, first, middle, last)
