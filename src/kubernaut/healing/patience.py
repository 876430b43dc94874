"""A remedy is not left to itself since the API server, or the database, is away for some minutes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeVar

from typing_extensions import TypeForm

from kubernaut.domain.errors import ClusterThrottled, KubernautError
from kubernaut.engine import Run

T = TypeVar("T")

# Each of these comes with the engine's own attempts, which last a minute at the most: some fifteen minutes in all.
_ROUNDS: Final = 10
_PAUSE: Final = timedelta(seconds=30)


async def patiently(run: Run, name: str, action: Callable[[], Awaitable[T]], returns: TypeForm[T]) -> T:
    """The step's result, from a later round where only the first ones found nobody who answers."""
    for number in range(1, _ROUNDS):
        try:
            return await run.step(name if number == 1 else f"{name}-again-{number}", action, returns)
        except KubernautError as error:
            if not error.retryable:
                raise
            asked_s = error.retry_after_s if isinstance(error, ClusterThrottled) else 0.0
        await run.sleep(max(_PAUSE, timedelta(seconds=asked_s)))
    return await run.step(f"{name}-again-{_ROUNDS}", action, returns)
