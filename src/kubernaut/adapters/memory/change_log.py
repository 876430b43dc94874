"""What was written to a cluster, in order, for those who watch it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from kubernaut.domain.errors import WatchExpired
from kubernaut.ports import WatchEvent


class ChangeLog:
    """`version` is that of the last write, as a resourceVersion counts."""

    def __init__(self) -> None:
        self.version = 0
        self._oldest = 0
        self._events: list[tuple[int, WatchEvent]] = []
        self._news = asyncio.Event()

    def record(self, event: WatchEvent) -> None:
        """Adds the write that `version` was raised for."""
        self._events.append((self.version, event))
        self._wake()

    def compact(self) -> None:
        """Forgets the past: whoever watches from before now is too late."""
        self._oldest, self._events = self.version, []
        self._wake()

    async def since(self, seen: int) -> AsyncGenerator[WatchEvent]:
        """All later writes, for ever."""
        while True:
            # Taken before the events are looked at, so that none falls between the look and the wait.
            news = self._news
            if seen < self._oldest:
                raise WatchExpired(f"too old resource version: {seen}")
            for version, event in [entry for entry in self._events if entry[0] > seen]:
                seen = version
                yield event
            await news.wait()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
