"""The wall clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from kubernaut.ports import Clock


class SystemClock(Clock):
    """Time as the machine has it."""

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, duration: timedelta) -> None:
        """Waits for that long."""
        await asyncio.sleep(max(duration.total_seconds(), 0))
