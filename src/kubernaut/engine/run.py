"""What a workflow sees of durable execution, and what its owner sees of the engine.

Guaranteed: a finished step is never executed again, and what came after it starts from its stored result. A step that
was under way when its process died is executed again, so a step has to be idempotent. The code between steps is
executed again on every resumption, so it has to be deterministic: no clock, no chance, no I/O.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol, TypeAlias, TypeVar

from typing_extensions import TypeForm

from kubernaut.domain.errors import KubernautError
from kubernaut.domain.objects import Json, JsonObject

T = TypeVar("T")


class Run(Protocol):
    """One execution of a workflow, with its journal."""

    @property
    def id(self) -> str:
        """The id it was started with."""

    async def step(self, name: str, action: Callable[[], Awaitable[T]], returns: TypeForm[T]) -> T:
        """The action's result, read back from the journal.

        `name` is unique within the run and is the key of the journal entry. A `KubernautError` that says `retryable`
        is tried again within the engine's bounds; what is left of it, and every other one, is recorded and raised, on
        every replay too. Any other exception is recorded and raised as `StepBroke`, which no workflow should catch.
        """

    async def sleep(self, duration: timedelta) -> None:
        """Waits. A restart goes on with what is left of the wait."""

    async def receive(self, topic: str, timeout: timedelta) -> Json | None:  # noqa: ASYNC109  # durable
        """The oldest message of that topic that this run has not received yet; None after the time-out."""


class RunState(StrEnum):
    """Where a run is."""

    UNKNOWN = "unknown"
    ALIVE = "alive"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The state of a run, with its result or the reason of its failure."""

    id: str
    state: RunState
    result: Json = None
    error: str = ""


Workflow: TypeAlias = Callable[[Run, JsonObject], Awaitable[Json]]
OnFailure: TypeAlias = Callable[[str, KubernautError], Awaitable[None]]


class Engine(Protocol):
    """Starts runs of one workflow and sees them to their end."""

    async def start(self, run_id: str, argument: JsonObject) -> None:
        """Starts the run, durable when this returns. A second start of the same id is the same run."""

    async def send(self, run_id: str, topic: str, payload: Json, *, key: str = "") -> bool:
        """Leaves a message for the run, durable when this returns. Of those with one key the first is delivered.

        False where another of that key was there before, or where the run has ended: this one will not be heard.

        Raises `UnknownName` where there is no such run.
        """

    async def cancel(self, run_id: str) -> None:
        """Ends the run before its next step. A step that is under way finishes; its result is not kept."""

    async def unfinished(self) -> list[str]:
        """The ids of the runs that have not ended, of all processes, oldest first."""

    async def status(self, run_id: str) -> RunStatus:
        """The run as it stands."""

    async def outcome(self, run_id: str) -> RunStatus:
        """The run's status once it has ended."""
