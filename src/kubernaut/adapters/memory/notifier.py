"""A channel that keeps what it was given."""

from __future__ import annotations

from kubernaut.ports import Message


class MemoryNotifier:
    """Keeps the messages in their order."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    async def send(self, message: Message) -> str:
        """Where it went, in words."""
        self.sent.append(message)
        return "memory"
