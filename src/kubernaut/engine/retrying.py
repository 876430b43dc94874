"""When a step is tried again. Nothing else in the product retries, so attempts never multiply."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import structlog

from kubernaut.domain.errors import ClusterThrottled, KubernautError

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off within two bounds, whichever is reached first. `total` counts from the first attempt."""

    attempts: int = 6
    first: timedelta = timedelta(milliseconds=200)
    factor: float = 2.0
    longest: timedelta = timedelta(seconds=15)
    total: timedelta = timedelta(seconds=60)

    def wait_after(self, attempt: int, error: KubernautError, *, key: str) -> float:
        """Seconds until the next attempt.

        Spread over half to all of the back-off by a hash of the key, so that a hundred runs that failed together do
        not come back together. A server's own Retry-After is a lower bound.
        """
        backoff = min(self.first.total_seconds() * self.factor ** (attempt - 1), self.longest.total_seconds())
        # A hash and not chance, so that a test can say how long it waits.
        spread = 0.5 + zlib.crc32(f"{key}/{attempt}".encode()) / 2**33
        asked = error.retry_after_s if isinstance(error, ClusterThrottled) else 0.0
        return max(backoff * spread, asked)


async def retried(action: Callable[[], Awaitable[T]], policy: RetryPolicy, *, key: str) -> T:
    """The result of the first attempt that succeeds; the last error where none does within the bounds."""
    clock = asyncio.get_running_loop()
    started = clock.time()
    attempt = 1
    while True:
        try:
            return await action()
        except KubernautError as error:
            wait_s = policy.wait_after(attempt, error, key=key)
            # The wait counts before it is begun, so the bound is never passed while asleep.
            spent = clock.time() - started + wait_s
            if not error.retryable or attempt >= policy.attempts or spent > policy.total.total_seconds():
                raise
            log.info("step is tried again", step=key, attempt=attempt, wait_s=round(wait_s, 2), reason=str(error))
        await asyncio.sleep(wait_s)
        attempt += 1
