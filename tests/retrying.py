"""A step as the engine runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kubernaut.domain.errors import ClusterError
from kubernaut.domain.execution import Execution

TRIES = 3


async def retried(step: Callable[[], Awaitable[Execution]]) -> Execution | ClusterError:
    """What the engine does: an error that says so runs the same step again."""
    for _ in range(TRIES):
        try:
            return await step()
        except ClusterError as error:
            last = error
            if not error.retryable:
                break
    return last
