"""The way of one step, the same on every journal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol, TypeVar

from typing_extensions import TypeForm

from kubernaut.domain.errors import KubernautError, StepNameTaken, StoreUnavailable
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine.outcome import capture, error_in, reveal
from kubernaut.engine.retrying import RetryPolicy, retried
from kubernaut.engine.run import OnFailure, Run, Workflow

T = TypeVar("T")


class Journal(Protocol):
    """The durable memory of one run. Each call takes the next place, so replays make the same calls in order."""

    async def record(self, name: str, produce: Callable[[], Awaitable[JsonObject]]) -> Json:
        """The entry of that name: the stored one, or what `produce` gives, stored before this returns."""

    async def sleep(self, duration: timedelta) -> None:
        """Waits until the stored end of the wait."""

    async def receive(self, topic: str, timeout: timedelta) -> Json | None:  # noqa: ASYNC109  # durable
        """The message that is stored for this place, or the next one."""

    async def still_ours(self) -> None:
        """Returns where this process may act for the run; otherwise leaves the run by `CancelledError`."""


class JournalledRun(Run):
    """A run on a journal. `slots` bounds how many steps of all runs are under way; waiting takes no slot."""

    def __init__(self, run_id: str, journal: Journal, policy: RetryPolicy, slots: asyncio.Semaphore) -> None:
        self._id = run_id
        self._journal = journal
        self._policy = policy
        self._slots = slots
        self._names: set[str] = set()

    @property
    def id(self) -> str:
        """The id it was started with."""
        return self._id

    async def step(self, name: str, action: Callable[[], Awaitable[T]], returns: TypeForm[T]) -> T:
        """The action's result, read back from the journal even when it was just produced."""
        if name in self._names:
            # A journal is told apart by names; a second step of one name would be given the result of the first.
            raise StepNameTaken(f"{self._id} has two steps named {name}")
        self._names.add(name)
        # Through JSON on the first execution as well, so that it sees exactly what a replay will see.
        entry = await self._journal.record(name, lambda: self._produce(name, action))
        return reveal(entry, returns)

    async def sleep(self, duration: timedelta) -> None:
        """Waits durably."""
        await self._journal.sleep(duration)

    async def receive(self, topic: str, timeout: timedelta) -> Json | None:  # noqa: ASYNC109  # durable
        """The next message of the topic, None after the time-out."""
        return await self._journal.receive(topic, timeout)

    async def _produce(self, name: str, action: Callable[[], Awaitable[T]]) -> JsonObject:
        async def attempt() -> T:
            # Taken for one attempt and given back between them: a run that backs off keeps no other from acting.
            async with self._slots:
                # After the slot was waited for, right before the effect: ownership may have been lost in the queue.
                await self._journal.still_ours()
                return await action()

        return await capture(name, lambda: retried(attempt, self._policy, key=f"{self._id}/{name}"))


async def conclude(
    run: Run, workflow: Workflow, argument: JsonObject, on_failure: OnFailure, policy: RetryPolicy
) -> JsonObject:
    """The entry a workflow ends with. Where that is an error, `on_failure` was told first, at least once.

    Raises `StoreUnavailable` where that could not be told for now.
    """
    entry = await capture("workflow", lambda: workflow(run, argument))
    error = error_in(entry)
    if error is not None:
        told = await capture("on_failure", lambda: retried(lambda: on_failure(run.id, error), policy, key=run.id))
        untold = error_in(told)
        if isinstance(untold, StoreUnavailable):
            # The run must not end before its owner knows: it would leave behind what nobody sees to.
            raise untold
        entry["unreported"] = untold is not None
    return entry


async def ignore_failure(run_id: str, error: KubernautError) -> None:
    """For engines whose owner reads `status` instead."""
