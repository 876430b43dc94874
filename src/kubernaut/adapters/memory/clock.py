"""Time that a test moves."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count

from kubernaut.ports import Clock

_START = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)


class ManualClock(Clock):
    """Stands still until it is advanced; with `jumps` every sleep moves it by itself and returns."""

    def __init__(self, start: datetime = _START, *, jumps: bool = False) -> None:
        self._now = start
        self._jumps = jumps
        self._order = count()
        self._sleepers: list[tuple[datetime, int, asyncio.Event]] = []

    def now(self) -> datetime:
        """The time it was moved to."""
        return self._now

    @property
    def sleepers(self) -> int:
        """How many wait."""
        return len(self._sleepers)

    async def sleep(self, duration: timedelta) -> None:
        """Waits until it was advanced that far."""
        due = self._now + duration
        if self._jumps:
            self._now = max(self._now, due)
        if due <= self._now:
            await asyncio.sleep(0)
            return
        woken = asyncio.Event()
        entry = (due, next(self._order), woken)
        heapq.heappush(self._sleepers, entry)
        try:
            await woken.wait()
        finally:
            if entry in self._sleepers:
                self._sleepers.remove(entry)
                heapq.heapify(self._sleepers)

    async def advance(self, duration: timedelta) -> None:
        """Moves on and wakes who is due, in order; each is given the time to fall asleep again on the way."""
        await _let_others_run()
        until = self._now + duration
        while self._sleepers and self._sleepers[0][0] <= until:
            due, _, woken = heapq.heappop(self._sleepers)
            self._now = due
            woken.set()
            await _let_others_run()
        self._now = until


async def _let_others_run() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
