"""Messages that other processes left for runs of this one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection

from kubernaut.engine.runs import RunStore

# PostgreSQL numbers a message before it commits it, so a lower number may be seen after a higher one: no later than a
# statement may take there, and then some.
_LATE_S = 15.0


class Listener:
    """Asks the database for all runs at once, and not at all while none is listening."""

    def __init__(self, runs: RunStore) -> None:
        self._runs = runs
        self._seen: deque[tuple[float, int]] = deque()
        self._settled = 0

    async def heard(self, listening: Collection[str]) -> set[str]:
        """Those of the runs for which messages came of late; the same message may be told of more than once."""
        if not listening:
            return set()
        now = asyncio.get_running_loop().time()
        posted = await self._runs.posted(after=self._settled)
        if posted:
            # The mark moves on only after a while, so the same numbers are read again until a late commit can no longer
            # come.
            self._seen.append((now, max(seq for seq, _ in posted)))
        while self._seen and self._seen[0][0] < now - _LATE_S:
            self._settled = max(self._settled, self._seen.popleft()[1])
        return {run for _, run in posted} & set(listening)
