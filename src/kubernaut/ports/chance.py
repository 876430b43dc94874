"""Time and chance."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Time. In the sandbox it runs faster than the wall."""

    def now(self) -> datetime:
        """The time, in UTC."""

    async def sleep(self, duration: timedelta) -> None:
        """Waits for that long on this clock."""


class Ids(Protocol):
    """Chance."""

    def new(self, prefix: str) -> str:
        """A fresh id such as `inc-4f7k2m9q`: lower-case letters and digits, valid as a label value."""
