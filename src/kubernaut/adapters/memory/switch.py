"""The kill switch in memory."""

from __future__ import annotations

from kubernaut.ports import Suspension


class MemorySwitch:
    """Holds the suspension in force."""

    def __init__(self) -> None:
        self._suspension: Suspension | None = None

    async def suspension(self) -> Suspension | None:
        """The suspension in force."""
        return self._suspension

    async def suspend(self, suspension: Suspension) -> None:
        """No action starts from now on."""
        self._suspension = suspension

    async def resume(self) -> None:
        """Actions may start again."""
        self._suspension = None
