"""The inbox in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.errors import StoreUnavailable
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.signals import Signal, SignalId
from kubernaut.ports import Backlog


@dataclass(slots=True)
class Received:
    """A signal with what became of it."""

    signal: Signal
    waiting: bool = True
    incident: IncidentId | None = None
    opened: bool = False
    reason: str = ""


class MemorySignalStore:
    """Accepted signals; `failing` makes it answer as a database that is down."""

    def __init__(self) -> None:
        self.received: dict[SignalId, Received] = {}
        self.failing = False

    async def accept(self, signals: Sequence[Signal]) -> None:
        """Keeps all of them or raises `StoreUnavailable`."""
        if self.failing:
            raise StoreUnavailable("the memory store was told to fail")
        for signal in signals:
            self.received.setdefault(signal.id, Received(signal))

    async def waiting(self, limit: int) -> list[Signal]:
        """Accepted signals that no incident has taken yet, oldest first."""
        return [entry.signal for entry in self.received.values() if entry.waiting][:limit]

    async def backlog(self) -> Backlog:
        """How many signals wait, and since when the oldest does."""
        received = [entry.signal.received_at for entry in self.received.values() if entry.waiting]
        return Backlog(len(received), min(received, default=None))

    async def set_aside(self, signal: SignalId, *, reason: str, at: datetime) -> None:  # noqa: ARG002  # not shown
        """Marks a signal that opens nothing with its reason; one that an incident took stays with it."""
        entry = self.received.get(signal)
        if entry is not None and entry.incident is None:
            entry.waiting = False
            entry.reason = reason

    async def prune(self, before: datetime, *, limit: int) -> int:
        """Forgets the oldest signals received before then and before any that still waits."""
        waiting = [entry.signal.received_at for entry in self.received.values() if entry.waiting]
        cut = min([before, *waiting])
        old = [name for name, entry in self.received.items() if entry.signal.received_at < cut][:limit]
        for name in old:
            del self.received[name]
        return len(old)
