"""Answers of a Prometheus that a test arranges."""

from __future__ import annotations

from datetime import datetime

from kubernaut.domain.errors import MetricsUnavailable
from kubernaut.domain.measures import Asked, Series


class MemoryMetrics:
    """`Metrics`. Tests arrange it with `say`; with `down` it answers nobody."""

    def __init__(self) -> None:
        self._series: dict[str, list[Series]] = {}
        self.asked: list[Asked] = []
        self.down = False

    def say(self, name: str, *values: float, at: datetime, **labels: str) -> None:
        """One series for every query of that name; several values are of the minutes before `at`."""
        moments = [at.timestamp() - 60 * back for back in range(len(values) - 1, -1, -1)]
        points = tuple(
            (datetime.fromtimestamp(when, at.tzinfo), value) for when, value in zip(moments, values, strict=True)
        )
        self._series.setdefault(name, []).append(Series(labels, points))

    async def measure(self, asked: Asked, *, at: datetime) -> list[Series]:
        """What was arranged, up to that moment; only the last value where the query has no reach."""
        self.asked.append(asked)
        if self.down:
            raise MetricsUnavailable("Prometheus was stopped by the test")
        found = []
        for series in self._series.get(asked.name, []):
            points = tuple(point for point in series.points if at - asked.reach <= point[0] <= at)
            kept = points if asked.reach else tuple(series.points[-1:])
            found += [Series(series.labels, kept)] if kept else []
        return found
