"""Finished incidents in memory."""

from __future__ import annotations

from collections.abc import Sequence

from kubernaut.domain.errors import InputError
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern, Recalled


class MemoryPatterns:
    """Forgets everything with the process."""

    def __init__(self) -> None:
        self._patterns: dict[IncidentId, Pattern] = {}

    async def add(self, pattern: Pattern) -> None:
        """Stores or replaces the pattern of that id."""
        self._patterns[pattern.id] = pattern

    async def is_empty(self, *, embedder: str) -> bool:
        """Whether there is no pattern of that embedder."""
        return not any(pattern.embedder == embedder for pattern in self._patterns.values())

    async def nearest(self, vector: Sequence[float], *, embedder: str, limit: int = 5) -> list[Recalled]:
        """The most alike patterns of that embedder, best first, with their cosine likeness."""
        candidates = [pattern for pattern in self._patterns.values() if pattern.embedder == embedder]
        if any(len(pattern.vector) != len(vector) for pattern in candidates):
            raise InputError(f"{embedder} has another number of dimensions than the vector's {len(vector)}")
        recalled = [Recalled(pattern, _cosine(pattern.vector, vector)) for pattern in candidates]
        return sorted(recalled, key=lambda found: (-found.likeness, found.pattern.id))[:limit]


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return max(-1.0, min(1.0, sum(a * b for a, b in zip(one, other, strict=True))))
