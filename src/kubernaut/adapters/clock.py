"""The wall clock."""

from __future__ import annotations

import asyncio
import time
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


def since_boot() -> float:
    """Seconds on a clock that nobody sets, the sleep of the machine among them where the system counts that."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
