"""The channel of an installation that has none."""

from __future__ import annotations

from kubernaut.ports import Message


class NowhereNotifier:
    """Tells nobody, and says so: a message that went nowhere is never recorded as sent."""

    async def send(self, message: Message) -> str:  # noqa: ARG002  # the port's signature
        """Where it went, in words."""
        return "nowhere: no channel is set"
