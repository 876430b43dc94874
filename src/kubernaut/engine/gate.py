"""The end of a process, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta


class Gate:
    """Counts the steps that are under way, and lets none begin once it is closed."""

    def __init__(self) -> None:
        self.is_closed = False
        self.inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    async def passed(self) -> None:
        """Returns while it is open. Before a closed gate one waits for the end of the process."""
        if self.is_closed:
            # Waiting and not an error: an error would be recorded as the outcome of a run that only has to go on later.
            await asyncio.Event().wait()

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[None]:
        """Within it a step is under way."""
        await self.passed()
        self.inside += 1
        self._empty.clear()
        try:
            yield
        finally:
            self.inside -= 1
            if not self.inside:
                self._empty.set()

    async def close(self, *, drain: timedelta) -> None:
        """Lets in no more, and waits that long at the most for those inside."""
        self.is_closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(drain.total_seconds()):
                await self._empty.wait()
