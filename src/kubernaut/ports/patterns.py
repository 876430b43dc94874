"""Finished incidents and how alike they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern, Recalled
from kubernaut.domain.lifecycle import Ending


class Embedder(Protocol):
    """Text to vector. Refuses blank text with `EmptyText`; raises an `EmbedderError` where it cannot be had."""

    name: str
    dimension: int

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector a text, in order."""


@dataclass(frozen=True, slots=True)
class PatternFilter:
    """Which patterns; empty fields do not restrict."""

    cause: str = ""
    namespace: str = ""
    ending: Ending | None = None
    since: datetime | None = None

    def admits(self, pattern: Pattern) -> bool:
        """Whether the pattern is one of them."""
        return (
            self.cause in {"", pattern.cause}
            and self.namespace in {"", pattern.namespace}
            and self.ending in {None, pattern.ending}
            and (self.since is None or pattern.at >= self.since)
        )


ANY = PatternFilter()


class PatternStore(Protocol):
    """Finished incidents, found again by likeness. Raises `StoreUnavailable` where it cannot be reached."""

    async def add(self, patterns: Sequence[Pattern]) -> None:
        """Stores the patterns; one of an id that is there replaces it."""

    async def nearest(
        self, vector: Sequence[float], *, embedder: str, limit: int = 5, where: PatternFilter = ANY
    ) -> list[Recalled]:
        """The most alike patterns of that embedder, best first, with their cosine likeness.

        Raises `InputError` where the embedder's patterns have another dimension than the vector.
        """

    async def set_outcome(self, pattern: IncidentId, ending: Ending) -> bool:
        """Corrects how it ended; False where there is no such pattern."""

    async def delete(self, ids: Sequence[IncidentId]) -> int:
        """Forgets those patterns; how many there were."""

    async def get(self, ids: Sequence[IncidentId]) -> list[Pattern]:
        """Those of the ids that are there."""

    async def page(self, *, after: str = "", limit: int = 500) -> list[Pattern]:
        """The patterns whose id follows `after`, in the store's order of ids: page by page, all of them."""

    async def newest(self, *, where: PatternFilter = ANY, limit: int = 50) -> list[Pattern]:
        """The patterns that finished last, newest first."""

    async def count(self, *, embedder: str = "", where: PatternFilter = ANY) -> int:
        """How many there are, of one embedder or of all."""
