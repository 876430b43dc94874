"""Who may write to a run's journal: an engine that is not closing, in the process that still owns the run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine import dbos_calls
from kubernaut.engine.dbos_calls import DbosJournal
from kubernaut.engine.gate import Gate
from kubernaut.engine.liveness import Pulse


class GuardedJournal:
    """The journal of one run as this process may use it."""

    def __init__(self, run_id: str, stored: DbosJournal, gate: Gate, pulse: Pulse) -> None:
        self._run_id = run_id
        self._stored = stored
        self._gate = gate
        self._pulse = pulse
        self._lapses = pulse.lapses

    async def record(self, name: str, produce: Callable[[], Awaitable[JsonObject]]) -> Json:
        """The entry of that name, stored before this returns."""
        async with self._gate.entered():
            return await self._stored.record(name, produce)

    async def sleep(self, duration: timedelta) -> None:
        """Waits until the stored end."""
        await self._gate.passed()
        await self._stored.sleep(duration.total_seconds())

    async def receive(self, topic: str, timeout: timedelta) -> Json | None:  # noqa: ASYNC109  # durable
        """The stored message, the next one, or None."""
        await self._gate.passed()
        return await self._stored.receive(topic, timeout.total_seconds())

    async def still_ours(self) -> None:
        """Costs nothing while the heart beats in time; after a lapse it asks the journal once."""
        lapses = self._pulse.lapses
        if lapses == self._lapses:
            return
        if await dbos_calls.owner(self._run_id) != self._pulse.executor:
            raise asyncio.CancelledError(f"{self._run_id} was taken over")
        self._lapses = lapses
