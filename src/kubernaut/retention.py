"""What is let go of, so that the database does not grow for ever."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from kubernaut.domain.errors import StoreError
from kubernaut.ports import Clock, SignalStore

log = structlog.get_logger(__name__)

# So few at once that an alert coming in meanwhile waits no longer than for another alert.
BATCH = 500
BETWEEN_BATCHES_S = 0.2
ROUND_S = 300.0


@dataclass(frozen=True, slots=True)
class Retention:
    """Signals stay for `keep` after they came in; what they led to stays with their incident."""

    signals: SignalStore
    clock: Clock
    keep: timedelta

    async def work(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                pruned = await self.prune()
            except StoreError as error:
                log.warning("old signals cannot be let go of", error=str(error))
                pruned = 0
            await asyncio.sleep(BETWEEN_BATCHES_S if pruned == BATCH else ROUND_S)

    async def prune(self) -> int:
        """How many signals one batch let go of."""
        return await self.signals.prune(self.clock.now() - self.keep, limit=BATCH)
