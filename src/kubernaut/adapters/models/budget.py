"""What a provider may cost in a minute and in a day, counted before it is spent.

Windows are those of the calendar (UTC), which is how providers count. They are kept in memory: a restart forgets them,
so the hard limit belongs at the provider and this one keeps a storm from reaching it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.adapters.models.provider import Limits

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


@dataclass(slots=True)
class _Window:
    length: timedelta
    tokens_allowed: int | None
    usd_allowed: float | None
    number: int = -1
    tokens: int = 0
    usd: float = 0.0

    def roll(self, now: datetime) -> None:
        # Days of 86,400 s since 1970 begin at midnight UTC.
        number = int(now.timestamp() // self.length.total_seconds())
        if number != self.number:
            self.number, self.tokens, self.usd = number, 0, 0.0

    def has_room(self, tokens: int, usd: float) -> bool:
        enough_tokens = self.tokens_allowed is None or self.tokens + tokens <= self.tokens_allowed
        return enough_tokens and (self.usd_allowed is None or self.usd + usd <= self.usd_allowed)

    def add(self, tokens: int, usd: float) -> None:
        # What is given back may belong to the window before, so a new one must not begin below nothing.
        self.tokens = max(0, self.tokens + tokens)
        self.usd = max(0.0, self.usd + usd)


class Budget:
    """Reserves what a question may take, and takes back what it did not."""

    def __init__(self, limits: Limits) -> None:
        self._windows = (
            _Window(_MINUTE, limits.tokens_per_minute, limits.usd_per_minute),
            _Window(_DAY, limits.tokens_per_day, limits.usd_per_day),
        )

    def reserve(self, now: datetime, *, tokens: int, usd: float) -> bool:
        """Whether there is room for it in every window; if so it is counted."""
        for window in self._windows:
            window.roll(now)
        # All before any is counted: a question that the day refuses takes nothing from the minute.
        if not all(window.has_room(tokens, usd) for window in self._windows):
            return False
        self._add(tokens, usd)
        return True

    def settle(self, now: datetime, *, tokens: int, usd: float) -> None:
        """Adds the difference between what was reserved and what it took; negative where it took less."""
        for window in self._windows:
            window.roll(now)
        self._add(tokens, usd)

    def _add(self, tokens: int, usd: float) -> None:
        for window in self._windows:
            window.add(tokens, usd)
