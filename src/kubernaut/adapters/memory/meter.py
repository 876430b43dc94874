"""Counters, levels and timings in memory."""

from __future__ import annotations

from collections import defaultdict


class MemoryMeter:
    """Holds what was counted and timed, by name and labels."""

    def __init__(self) -> None:
        self.counts: defaultdict[tuple[str, frozenset[tuple[str, str]]], float] = defaultdict(float)
        self.levels: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        self.timings: defaultdict[tuple[str, frozenset[tuple[str, str]]], list[float]] = defaultdict(list)

    def count(self, name: str, by: float = 1, /, **labels: str) -> None:
        """Adds one, or as much as is given."""
        self.counts[name, frozenset(labels.items())] += by

    def level(self, name: str, value: float, /, **labels: str) -> None:
        """Sets what goes up and down."""
        self.levels[name, frozenset(labels.items())] = value

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Adds a duration."""
        self.timings[name, frozenset(labels.items())].append(seconds)

    def total(self, name: str, **labels: str) -> float:
        """How often it was counted, over all labels that are not given."""
        wanted = set(labels.items())
        return sum(count for (counted, has), count in self.counts.items() if counted == name and wanted <= has)
