"""A channel to people whose messages are counted."""

from __future__ import annotations

from dataclasses import dataclass

from kubernaut.domain.errors import NotifyFailed
from kubernaut.ports import Message, Meter, Notifier


@dataclass(frozen=True, slots=True)
class CountedNotifier(Notifier):
    """The notifier, with what became of each message told to the meter."""

    notifier: Notifier
    meter: Meter

    async def send(self, message: Message) -> str:
        """Where it went, in words."""
        try:
            where = await self.notifier.send(message)
        except NotifyFailed:
            self.meter.count("notifications", result="failed")
            raise
        self.meter.count("notifications", result="sent")
        return where
