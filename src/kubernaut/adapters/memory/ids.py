"""Chance that a test can foresee."""

from __future__ import annotations

from itertools import count

from kubernaut.ports import Ids


class CountingIds(Ids):
    """`inc-000001`, `inc-000002`, ..."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def new(self, prefix: str) -> str:
        """The next one, counted over all prefixes."""
        return f"{prefix}-{next(self._numbers):06d}"
