"""Unit vectors in memory, searched exactly, with the few facts that a search is narrowed by."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from kubernaut.ports import PatternFilter
from kubernaut.ports.patterns import ANY

Floats: TypeAlias = npt.NDArray[np.float32]
Mask: TypeAlias = npt.NDArray[np.bool_]

_FIRST_ROWS = 64


class Facts(NamedTuple):
    """What a search may be narrowed by; `at` in seconds since 1970."""

    cause: str = ""
    namespace: str = ""
    ending: str = ""
    at: float = 0.0


_NONE = Facts()


class VectorMatrix:
    """The newest `capacity` vectors under their names; the oldest gives way to the next."""

    def __init__(self, dimension: int, *, capacity: int) -> None:
        self.dimension = dimension
        self.seen = 0
        self._capacity = capacity
        first = min(_FIRST_ROWS, capacity)
        self._rows = np.zeros((first, dimension), dtype=np.float32)
        # Comparing numbers of a whole column takes microseconds, comparing words would take milliseconds.
        self._codes = np.zeros((3, first), dtype=np.int32)
        self._times = np.zeros(first)
        self._known: tuple[dict[str, int], ...] = ({}, {}, {})
        self._names: list[str] = []
        self._place: dict[str, int] = {}
        self._dropped = 0
        self._oldest = 0

    def __len__(self) -> int:
        return len(self._place)

    def put(self, name: str, vector: Floats, facts: Facts = _NONE) -> None:
        """Adds the vector, or replaces the one of that name."""
        row = self._place.get(name)
        if row is None:
            row = self._free_row()
            self._place[name] = row
            self._names[row] = name
        self._rows[row] = vector
        self._codes[:, row] = [
            known.setdefault(word, len(known)) for known, word in zip(self._known, facts[:3], strict=True)
        ]
        self._times[row] = facts.at

    def drop(self, name: str) -> None:
        """Forgets the vector of that name; its row is used again when its turn comes."""
        row = self._place.pop(name, None)
        if row is not None:
            self._names[row] = ""
            self._dropped += 1

    def nearest(self, vector: Floats, limit: int, where: PatternFilter = ANY) -> list[tuple[str, float]]:
        """Names with their cosine, best first; equal ones in the order of their names."""
        rows = len(self._names)
        if not rows or limit < 1:
            return []
        # All vectors have length 1, so the product is the cosine.
        likeness = self._rows[:rows] @ vector
        wanted = self._wanted(where, rows)
        if wanted is not None:
            likeness[~wanted] = -np.inf
        # Rows that were dropped are still in the product and may take places of others.
        most = min(limit + self._dropped, rows)
        # Linear in the rows, where sorting all of them for five would not be.
        candidates = np.argpartition(likeness, -most)[-most:]
        found = [
            (self._names[row], float(np.clip(likeness[row], -1.0, 1.0)))
            for row in candidates.tolist()
            if self._names[row] and likeness[row] > -np.inf
        ]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:limit]

    def _wanted(self, where: PatternFilter, rows: int) -> Mask | None:
        """Which rows the filter admits; None where it admits all."""
        words = (where.cause, where.namespace, str(where.ending or ""))
        masks = [
            self._codes[column, :rows] == self._known[column].get(word, -1) for column, word in enumerate(words) if word
        ]
        if where.since is not None:
            masks.append(self._times[:rows] >= where.since.timestamp())
        return np.logical_and.reduce(masks) if masks else None

    def _free_row(self) -> int:
        if len(self._names) == self._capacity:
            row, self._oldest = self._oldest, (self._oldest + 1) % self._capacity
            if self._names[row]:
                del self._place[self._names[row]]
            else:
                self._dropped -= 1
            return row
        if len(self._names) == len(self._rows):
            self._grow(min(2 * len(self._rows), self._capacity))
        self._names.append("")
        return len(self._names) - 1

    def _grow(self, size: int) -> None:
        more = size - len(self._rows)
        # Doubling keeps the copying linear over a lifetime, and a store of a few lessons small.
        self._rows = np.concatenate([self._rows, np.zeros((more, self.dimension), dtype=np.float32)])
        self._codes = np.concatenate([self._codes, np.zeros((3, more), dtype=np.int32)], axis=1)
        self._times = np.concatenate([self._times, np.zeros(more)])
