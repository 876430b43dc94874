"""Unit vectors in memory, searched exactly."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]

_FIRST_ROWS = 64


class VectorMatrix:
    """The newest `capacity` vectors under their names; the oldest gives way to the next."""

    def __init__(self, dimension: int, *, capacity: int) -> None:
        self.dimension = dimension
        self.seen = 0
        self._capacity = capacity
        self._rows = np.zeros((min(_FIRST_ROWS, capacity), dimension), dtype=np.float32)
        self._names: list[str] = []
        self._place: dict[str, int] = {}
        self._oldest = 0

    def __len__(self) -> int:
        return len(self._names)

    def put(self, name: str, vector: Floats) -> None:
        """Adds the vector, or replaces the one of that name."""
        row = self._place.get(name)
        if row is None:
            row = self._free_row()
            self._place[name] = row
            self._names[row] = name
        self._rows[row] = vector

    def nearest(self, vector: Floats, limit: int) -> list[tuple[str, float]]:
        """Names with their cosine, best first; equal ones in the order of their names."""
        if not self._names or limit < 1:
            return []
        likeness = self._rows[: len(self._names)] @ vector
        limit = min(limit, len(likeness))
        candidates = np.argpartition(likeness, -limit)[-limit:]
        found = [(self._names[row], float(np.clip(likeness[row], -1.0, 1.0))) for row in candidates.tolist()]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def _free_row(self) -> int:
        if len(self._names) == self._capacity:
            row, self._oldest = self._oldest, (self._oldest + 1) % self._capacity
            del self._place[self._names[row]]
            return row
        if len(self._names) == len(self._rows):
            grown = np.zeros((min(2 * len(self._rows), self._capacity), self.dimension), dtype=np.float32)
            grown[: len(self._rows)] = self._rows
            self._rows = grown
        self._names.append("")
        return len(self._names) - 1
