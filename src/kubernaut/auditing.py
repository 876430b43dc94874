"""Walks along the hash chain of events while the service runs, so that a changed log is found without being asked.

New events are checked every few minutes; the whole log from its first event once a day, since only that finds a change
in what was checked before.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

import structlog

from kubernaut.domain.chain import Checked
from kubernaut.domain.errors import StoreError

log = structlog.get_logger(__name__)

# A service that begins has better to do than to read its whole log.
FIRST_S = 30.0
ROUND_S = 300.0
ROUNDS_A_DAY = 288


class EventLog(Protocol):
    """The log of events as it is stored."""

    async def checked(self, *, expected_head: str = "", since: Checked | None = None) -> Checked:
        """What a walk along the chain finds, from the end of an earlier walk on where that is given."""


@dataclass
class Auditor:
    """`found` is what the last walk found, None before the first one."""

    event_log: EventLog
    found: Checked | None = None

    async def work(self) -> None:
        """Until it is cancelled."""
        rounds = 0
        await asyncio.sleep(FIRST_S)
        while True:
            try:
                await self.walk(whole=rounds % ROUNDS_A_DAY == 0)
            except StoreError as error:
                log.warning("the log of events cannot be checked", error=str(error))
            else:
                # A round that failed does not count, or the daily walk could be skipped for a database that was away.
                rounds += 1
            await asyncio.sleep(ROUND_S)

    async def walk(self, *, whole: bool) -> Checked:
        """Checks all events, or those that came since. A chain that broke stays broken until a whole walk holds."""
        known = self.found
        # Walking on from a break would find it again at the next event and tell of the wrong place.
        if known is not None and not known.is_whole:
            whole = True
        self.found = await self.event_log.checked(since=None if whole else known)
        if self.found.broken is not None:
            bad = self.found.broken.event
            log.error("the log of events was changed", seq=bad.seq, incident=bad.incident, why=self.found.broken.why)
        return self.found
