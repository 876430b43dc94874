"""Leases within one process."""

from __future__ import annotations

from datetime import datetime, timedelta

from kubernaut.ports import Clock, Leases


class MemoryLeases(Leases):
    """Leases that run out by the given clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[str, tuple[str, datetime]] = {}

    async def acquire(self, name: str, holder: str, *, duration: timedelta) -> bool:
        """True when the holder has it now."""
        now = self._clock.now()
        held = self._held.get(name)
        if held is not None and held[0] != holder and held[1] > now:
            return False
        self._held[name] = (holder, now + duration)
        return True

    async def release(self, name: str, holder: str) -> None:
        """Gives it back, where it is the holder's."""
        if name in self._held and self._held[name][0] == holder:
            del self._held[name]
