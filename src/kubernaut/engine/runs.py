"""What the engine asks of a database: runs with an owner, their journals, and messages for them.

Each write returns after its commit. What a process writes for a run is refused once the run has another owner or has
ended: that is the fence behind which a paused process cannot go on.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine.run import RunStatus


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run that is to go on. `begun` counts how often a process took it up."""

    id: str
    argument: JsonObject
    begun: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One place of a journal."""

    name: str
    body: Json


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is stored; `seq` tells it from every other one."""

    seq: int
    payload: Json


class RunStore(Protocol):
    """All that is durable about runs. Each method may raise a `StoreError`."""

    async def begin(self, run_id: str, argument: JsonObject, *, owner: str) -> bool:
        """Stores a new run; False where there is one of that id."""

    async def keep(self, run_id: str, place: int, entry: Entry, *, owner: str) -> bool:
        """Stores the entry; False where the run is not the owner's, has ended, or has an entry there."""

    async def finish(self, run_id: str, result: JsonObject, *, owner: str) -> bool:
        """Ends the run and lets its journal and messages go; False where the run is not the owner's or has ended."""

    async def cancel(self, run_id: str) -> None:
        """Ends the run, unless it has ended."""

    async def journal(self, run_id: str) -> list[Entry]:
        """The entries in their order."""

    async def post(self, run_id: str, topic: str, payload: Json, *, key: str) -> bool | None:
        """Whether it stored the message: once a key where that is not empty; None where there is no such run."""

    async def messages(self, run_id: str, topic: str) -> list[Message]:
        """All messages of that topic, oldest first, received ones too."""

    async def posted(self, *, after: int) -> list[tuple[int, str]]:
        """`seq` and run of the messages behind that one."""

    async def status(self, run_id: str) -> RunStatus:
        """The run as it is stored."""

    async def owner(self, run_id: str) -> str:
        """The process that may act for the run; empty where none may."""

    async def unfinished(self, owner: str = "") -> list[str]:
        """The runs that have not ended, oldest first; those of one owner where it is named."""

    async def take(self, run_ids: Collection[str], *, of: str, by: str) -> list[StoredRun]:
        """Makes those that are `of`'s and have not ended `by`'s, and counts the beginning."""
