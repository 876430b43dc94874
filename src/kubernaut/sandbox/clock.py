"""Time in the sandbox: one clock for every controller, kubelet and timestamp."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta


class SandboxClock:
    """A clock that runs `speed` times as fast as the wall; it starts at the wall's time, or where it is told to."""

    def __init__(self, speed: float = 1.0, start: datetime | None = None) -> None:
        if speed <= 0:
            raise ValueError("speed must be greater than 0")
        self.speed = speed
        self._started = start or datetime.now(UTC)
        self._origin = time.monotonic()

    def now(self) -> datetime:
        """The sandbox's time, in UTC."""
        return self._started + timedelta(seconds=(time.monotonic() - self._origin) * self.speed)

    def wall_seconds(self, duration: timedelta) -> float:
        """How long that is on the wall, never negative."""
        return max(0.0, duration.total_seconds() / self.speed)

    async def sleep(self, duration: timedelta) -> None:
        """Waits for that long on this clock."""
        await asyncio.sleep(self.wall_seconds(duration))


class SteppedClock:
    """A clock that stands still until it is moved: the simulation then jumps from one due time to the next."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """The moment it was moved to last."""
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Moves forward; a moment in the past changes nothing."""
        self._now = max(self._now, moment)

    async def sleep(self, duration: timedelta) -> None:
        """Moves forward by the duration at once."""
        self.move_to(self._now + duration)
        await asyncio.sleep(0)
