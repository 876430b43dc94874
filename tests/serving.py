"""The real server on a loopback port, for as long as a test needs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.adapters.memory.switch import MemorySwitch
from kubernaut.domain.incidents import IncidentId
from kubernaut.entrypoints.http.app import HttpParts, create_app
from kubernaut.entrypoints.http.listening import listen
from kubernaut.entrypoints.http.operations import Answer, Done, Instruction, Operations
from kubernaut.entrypoints.http.server import serve
from tests.examples import NOON


class StillClock:
    """Always noon."""

    def now(self) -> datetime:
        return NOON

    async def sleep(self, duration: timedelta) -> None:
        raise NotImplementedError(duration)


class CountingIds:
    def __init__(self) -> None:
        self._numbers = count(1)

    def new(self, prefix: str) -> str:
        return f"{prefix}-{next(self._numbers)}"


@dataclass
class Desk:
    """Takes every order and keeps it; `answer` is what it says."""

    taken: list[tuple[str, str, Instruction]] = field(default_factory=list)
    answer: Answer = field(default_factory=lambda: Done("as you say"))

    def operations(self) -> Operations:
        return Operations(
            self._of_incident("approve"),
            self._of_incident("reject"),
            self._of_incident("undo"),
            self._of_all("suspend"),
            self._of_all("resume"),
        )

    def _of_incident(self, name: str) -> Callable[[IncidentId, Instruction], Awaitable[Answer]]:
        async def take(incident: IncidentId, instruction: Instruction) -> Answer:
            self.taken.append((name, incident, instruction))
            return self.answer

        return take

    def _of_all(self, name: str) -> Callable[[Instruction], Awaitable[Answer]]:
        async def take(instruction: Instruction) -> Answer:
            self.taken.append((name, "", instruction))
            return self.answer

        return take


async def no_metrics() -> bytes:
    return b"# no metrics\n"


def memory_parts(inbox: MemorySignalStore, desk: Desk | None = None, meter: MemoryMeter | None = None) -> HttpParts:
    return HttpParts(
        signals=inbox,
        incidents=MemoryIncidentStore(inbox),
        switch=MemorySwitch(),
        operations=(desk or Desk()).operations(),
        clock=StillClock(),
        ids=CountingIds(),
        meter=meter or MemoryMeter(),
        metrics=no_metrics,
        checks={},
    )


@asynccontextmanager
async def serving(parts: HttpParts, *, arrival: timedelta = timedelta(seconds=30)) -> AsyncIterator[str]:
    """The address of a server with these parts."""
    listener = listen("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    stop, ready = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(
            serve(
                create_app(parts), listener, stop=stop, on_ready=ready.set, grace=timedelta(seconds=1), arrival=arrival
            )
        )
        await ready.wait()
        try:
            yield address
        finally:
            stop.set()
