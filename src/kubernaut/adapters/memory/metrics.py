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
        """One series for the queries of that name about these labels; several values are of the minutes before `at`."""
        moments = [at.timestamp() - 60 * back for back in range(len(values) - 1, -1, -1)]
        points = tuple(
            (datetime.fromtimestamp(when, at.tzinfo), value) for when, value in zip(moments, values, strict=True)
        )
        self._series.setdefault(name, []).append(Series(labels, points))

    async def measure(self, asked: Asked, *, at: datetime) -> list[Series]:
        """What was arranged for the labels asked for, up to that moment; only the last value without a reach."""
        self.asked.append(asked)
        if self.down:
            raise MetricsUnavailable("Prometheus was stopped by the test")
        found = []
        for series in self._series.get(asked.name, []):
            if not _is_asked_for(series, asked.query):
                continue
            points = tuple(point for point in series.points if at - asked.reach <= point[0] <= at)
            kept = points if asked.reach else tuple(series.points[-1:])
            found += [Series(series.labels, kept)] if kept else []
        return found


def _is_asked_for(series: Series, query: str) -> bool:
    """Whether no label of the series has another value than the one that the query names."""
    return all(f'{key}="' not in query or f'{key}="{value}"' in query for key, value in series.labels.items())
