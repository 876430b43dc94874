"""What processes on one database agree on: leases, who is alive, the kill switch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


class Leases(Protocol):
    """Exclusive use of a name for a time: one execution a target, one sweeper."""

    async def acquire(self, name: str, holder: str, *, duration: timedelta) -> bool:
        """True when the holder has it now (taking one's own again renews it); False while another's has not run out."""

    async def release(self, name: str, holder: str) -> None:
        """Gives it back; nothing happens where it is another's."""


class Heartbeats(Protocol):
    """Which processes are alive. Ages are measured by one clock, the store's, never by two machines' clocks."""

    async def beat(self, executor: str) -> None:
        """Notes that the executor is alive now."""

    async def stale(self, older_than: timedelta) -> list[str]:
        """The executors whose last beat is older than that."""

    async def forget(self, executor: str) -> None:
        """Removes an executor. One that beats again is known again."""


@dataclass(frozen=True, slots=True)
class Suspension:
    """All actions are off, since when, by whom and why."""

    by: str
    reason: str
    since: datetime


class Switch(Protocol):
    """The kill switch."""

    async def suspension(self) -> Suspension | None:
        """The suspension in force."""

    async def suspend(self, suspension: Suspension) -> None:
        """No action starts from now on."""

    async def resume(self) -> None:
        """Actions may start again."""
