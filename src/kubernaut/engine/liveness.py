"""That this process is alive, told to the others, and that others are not, found out.

A process whose beat is older than `stale_after` has lost its runs: one elected sweeper hands them to the living. The
process may only have been paused. So it trusts its own beat for less than `stale_after` alone, by a clock that does
not stop while it is paused, nor while its machine sleeps; after a longer gap (a lapse) each of its runs asks who owns
it before it acts again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta

import structlog

from kubernaut.domain.errors import KubernautError
from kubernaut.engine.policy import loop_time
from kubernaut.engine.runs import RunStore
from kubernaut.ports import Heartbeats, Leases

log = structlog.get_logger(__name__)


class Pulse:
    """The beats of this process. `lapses` counts the gaps in which it may have been taken for dead."""

    def __init__(
        self, heartbeats: Heartbeats, executor: str, trust: timedelta, clock: Callable[[], float] = loop_time
    ) -> None:
        self._clock = clock
        self._heartbeats = heartbeats
        self.executor = executor
        self._trust_s = trust.total_seconds()
        self._last = 0.0
        self._lapses = 0

    @property
    def lapses(self) -> int:
        """How often the beat was late, with the gap of this very moment."""
        return self._lapses + int(self._is_late())

    async def beat(self) -> None:
        """Tells the others. The time that counts is the one before the write, which is no later than the stored one."""
        now = self._clock()
        await self._heartbeats.beat(self.executor)
        if self._last and self._is_late():
            self._lapses += 1
        # Only after the write: a beat that failed counts as none.
        self._last = now

    def _is_late(self) -> bool:
        return self._clock() - self._last > self._trust_s


class Sweeper:
    """Finds runs that nobody sees to."""

    def __init__(self, heartbeats: Heartbeats, leases: Leases, runs: RunStore, executor: str) -> None:
        self._heartbeats = heartbeats
        self._leases = leases
        self._runs = runs
        self._executor = executor
        self._unattended: set[str] = set()

    async def lost(self, attended: Collection[str]) -> list[str]:
        """Our own runs that have no task: the database failed while they wanted to write."""
        # Twice in a row, since a run that is just being started has its row before its task.
        missing = set(await self._runs.unfinished(self._executor)) - set(attended)
        lost = missing & self._unattended
        self._unattended = missing - lost
        return sorted(lost)

    async def orphans(self, stale_after: timedelta, *, term: timedelta) -> list[tuple[str, list[str]]]:
        """The dead with their runs, for the one process that is elected for `term`; nothing for the others."""
        # One process alone, so that two of them do not hand out the same runs; the lease ends with its holder's death.
        if not await self._leases.acquire("engine-sweeper", self._executor, duration=term):
            return []
        found = []
        for executor in await self._heartbeats.stale(stale_after):
            if executor == self._executor:
                continue
            runs = await self._runs.unfinished(executor)
            # Asked again: it may have come back, under the same name, while its runs were listed.
            if executor not in await self._heartbeats.stale(stale_after):
                continue
            if runs:
                found.append((executor, runs))
            else:
                # Only once it owns nothing: a name that is forgotten is never found dead, and its runs would wait for
                # ever.
                await self._heartbeats.forget(executor)
        return found


async def repeat(action: Callable[[], Awaitable[None]], every: timedelta, *, doing: str) -> None:
    """Does it for ever. A round that fails for a named reason is logged; the next one may succeed."""
    while True:
        await asyncio.sleep(every.total_seconds())
        try:
            await action()
        except KubernautError as error:
            log.warning("round failed", doing=doing, error=type(error).__name__, reason=str(error))


async def settled(tasks: Collection[asyncio.Task[object]]) -> None:
    """Cancels the tasks and waits until they are gone."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
