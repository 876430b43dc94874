"""Finished incidents in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kubernaut.domain.errors import InputError
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern, Recalled
from kubernaut.domain.lifecycle import Ending
from kubernaut.ports import PatternFilter
from kubernaut.ports.patterns import ANY


class MemoryPatterns:
    """Forgets everything with the process."""

    def __init__(self) -> None:
        self._patterns: dict[IncidentId, Pattern] = {}

    async def add(self, patterns: Sequence[Pattern]) -> None:
        """Stores the patterns; one of an id that is there replaces it."""
        self._patterns.update({pattern.id: pattern for pattern in patterns})

    async def nearest(
        self, vector: Sequence[float], *, embedder: str, limit: int = 5, where: PatternFilter = ANY
    ) -> list[Recalled]:
        """The most alike patterns of that embedder, best first, with their cosine likeness."""
        candidates = [pattern for pattern in self._patterns.values() if pattern.embedder == embedder]
        if any(pattern.dimension != len(vector) for pattern in candidates):
            raise InputError(f"{embedder} has another number of dimensions than the vector's {len(vector)}")
        recalled = [Recalled(each, _cosine(each.vector, vector)) for each in candidates if where.admits(each)]
        return sorted(recalled, key=lambda found: (-found.likeness, found.pattern.id))[:limit]

    async def set_outcome(self, pattern: IncidentId, ending: Ending) -> bool:
        """Corrects how it ended; False where there is no such pattern."""
        known = self._patterns.get(pattern)
        if known is not None:
            self._patterns[pattern] = replace(known, ending=ending)
        return known is not None

    async def delete(self, ids: Sequence[IncidentId]) -> int:
        """Forgets those patterns; how many there were."""
        return sum(self._patterns.pop(name, None) is not None for name in ids)

    async def get(self, ids: Sequence[IncidentId]) -> list[Pattern]:
        """Those of the ids that are there."""
        return [self._patterns[name] for name in ids if name in self._patterns]

    async def page(self, *, after: str = "", limit: int = 500) -> list[Pattern]:
        """The patterns whose id follows `after`."""
        return [self._patterns[name] for name in sorted(self._patterns) if name > after][:limit]

    async def newest(self, *, where: PatternFilter = ANY, limit: int = 50) -> list[Pattern]:
        """The patterns that finished last, newest first."""
        found = [pattern for pattern in self._patterns.values() if where.admits(pattern)]
        return sorted(found, key=lambda each: (each.at, each.id), reverse=True)[:limit]

    async def count(self, *, embedder: str = "", where: PatternFilter = ANY) -> int:
        """How many there are."""
        return sum(where.admits(each) and embedder in {"", each.embedder} for each in self._patterns.values())


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return max(-1.0, min(1.0, sum(a * b for a, b in zip(one, other, strict=True))))
