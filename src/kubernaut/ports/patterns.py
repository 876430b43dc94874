"""Finished incidents and how alike they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kubernaut.domain.learning import Pattern, Recalled


class Embedder(Protocol):
    """Text to vector. Refuses blank text with `EmptyText`."""

    name: str
    dimension: int

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector a text, in order."""


class PatternStore(Protocol):
    """Finished incidents, found again by likeness."""

    async def add(self, pattern: Pattern) -> None:
        """Stores or replaces the pattern of that id."""

    async def is_empty(self, *, embedder: str) -> bool:
        """Whether there is no pattern of that embedder."""

    async def nearest(self, vector: Sequence[float], *, embedder: str, limit: int = 5) -> list[Recalled]:
        """The most alike patterns of that embedder, best first, with their cosine likeness."""
