"""Counters and timings in memory."""

from __future__ import annotations

from collections import Counter, defaultdict


class MemoryMeter:
    """Holds what was counted and timed, by name and labels."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, frozenset[tuple[str, str]]]] = Counter()
        self.timings: defaultdict[tuple[str, frozenset[tuple[str, str]]], list[float]] = defaultdict(list)

    def count(self, name: str, **labels: str) -> None:
        """Adds one."""
        self.counts[name, frozenset(labels.items())] += 1

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Adds a duration."""
        self.timings[name, frozenset(labels.items())].append(seconds)

    def total(self, name: str, **labels: str) -> int:
        """How often it was counted, over all labels that are not given."""
        wanted = set(labels.items())
        return sum(count for (counted, has), count in self.counts.items() if counted == name and wanted <= has)
