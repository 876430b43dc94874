"""Heartbeats within one process."""

from __future__ import annotations

from datetime import datetime, timedelta

from kubernaut.ports import Clock, Heartbeats


class MemoryHeartbeats(Heartbeats):
    """Beats by the given clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._beats: dict[str, datetime] = {}

    async def beat(self, executor: str) -> None:
        """Notes that the executor is alive now."""
        self._beats[executor] = self._clock.now()

    async def stale(self, older_than: timedelta) -> list[str]:
        """The executors whose last beat is older than that."""
        oldest = self._clock.now() - older_than
        return sorted(executor for executor, at in self._beats.items() if at < oldest)

    async def forget(self, executor: str) -> None:
        """Removes an executor."""
        self._beats.pop(executor, None)

    def note(self, executor: str, *, age: timedelta) -> None:
        """Lets the executor have beaten that long ago."""
        self._beats[executor] = self._clock.now() - age
