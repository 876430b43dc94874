"""The engine for tests: the same steps, retries and journal entries, kept in a dictionary.

Its journal outlives its crashes, so that a test can let the "process" die at any boundary of a step and look at what
the resumption does.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Self, cast

from kubernaut.domain.errors import EngineClosing, JournalMismatch, UnknownName
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine.codec import dump
from kubernaut.engine.gate import Gate
from kubernaut.engine.outcome import status_of
from kubernaut.engine.retrying import RetryPolicy
from kubernaut.engine.run import Engine, OnFailure, RunState, RunStatus, Workflow
from kubernaut.engine.stepping import JournalledRun, conclude, ignore_failure
from kubernaut.ports import Clock

_DRAIN = timedelta(seconds=5)
_NO_WAITS = RetryPolicy(attempts=3, first=timedelta(0))


class Moment(StrEnum):
    """When the process dies: before the step acts, when it has acted but not stored its result, or after that."""

    BEFORE = "before"
    UNSTORED = "unstored"
    AFTER = "after"


@dataclass
class _Record:
    """All that is durable about one run."""

    argument: JsonObject
    entries: list[tuple[str, Json]] = field(default_factory=list)
    messages: dict[str, deque[Json]] = field(default_factory=lambda: defaultdict(deque))
    keys: set[tuple[str, str]] = field(default_factory=set)
    ended: RunStatus | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)


class MemoryEngine(Engine):
    """Runs of one workflow within a test; use as an async context manager."""

    def __init__(
        self,
        workflow: Workflow,
        clock: Clock,
        *,
        on_failure: OnFailure = ignore_failure,
        retry: RetryPolicy = _NO_WAITS,
    ) -> None:
        self._workflow = workflow
        self._clock = clock
        self._on_failure = on_failure
        self._retry = retry
        self._slots = asyncio.Semaphore(16)
        self._runs: dict[str, _Record] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._crashes: dict[str, Moment] = {}
        self.gate = Gate()
        self.crashed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._group = asyncio.TaskGroup()
        self.gate = Gate()
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        group, self._group = self._group, None
        await self.gate.close(drain=_DRAIN)
        self._stop_all()
        if group is not None:
            await group.__aexit__(kind, error, trace)

    async def start(self, run_id: str, argument: JsonObject) -> None:
        """Starts the run, or does nothing where it was started."""
        if self._group is None:
            raise EngineClosing(f"{run_id} is not started: the engine is not open")
        if run_id not in self._runs:
            self._runs[run_id] = _Record(cast("JsonObject", dump(argument)))
            self._go_on(run_id)

    async def send(self, run_id: str, topic: str, payload: Json, *, key: str = "") -> bool:
        """Leaves a message for the run; whether it will be heard."""
        record = self._runs.get(run_id)
        if record is None:
            raise UnknownName(f"no run {run_id}")
        if record.ended is not None or (key and (topic, key) in record.keys):
            return False
        record.keys.add((topic, key))
        record.messages[topic].append(dump(payload))
        record.news.set()
        return True

    async def cancel(self, run_id: str) -> None:
        """Ends the run at once."""
        record = self._runs.get(run_id)
        if record is not None and record.ended is None:
            record.ended = RunStatus(run_id, RunState.CANCELLED)
            record.news.set()
            if run_id in self._tasks:
                self._tasks[run_id].cancel()

    async def unfinished(self) -> list[str]:
        """The ids of the runs that have not ended, oldest first."""
        return [run_id for run_id, record in self._runs.items() if record.ended is None]

    async def status(self, run_id: str) -> RunStatus:
        """The run as it stands."""
        record = self._runs.get(run_id)
        if record is None:
            return RunStatus(run_id, RunState.UNKNOWN)
        return record.ended or RunStatus(run_id, RunState.ALIVE)

    async def outcome(self, run_id: str) -> RunStatus:
        """The run's status once it has ended."""
        record = self._runs[run_id]
        while record.ended is None:
            record.news.clear()
            await record.news.wait()
        return record.ended

    def crash_at(self, step: str, moment: Moment) -> None:
        """Lets the process die when any run gets there, once."""
        self._crashes[step] = moment

    def crash(self) -> None:
        """Lets the process die now: every run stops where it is."""
        self._stop_all()

    async def recover(self) -> None:
        """Starts the process again: unfinished runs go on from their journals."""
        self.crashed.clear()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for run_id in await self.unfinished():
            self._go_on(run_id)

    def entries(self, run_id: str) -> list[tuple[str, Json]]:
        """The journal as it is stored, name and entry."""
        return list(self._runs[run_id].entries)

    async def reach(self, moment: Moment, step: str) -> None:
        """Dies here where `crash_at` said so."""
        if self._crashes.get(step) is moment:
            del self._crashes[step]
            self.crashed.set()
            self._stop_all()
            await asyncio.Event().wait()

    def _go_on(self, run_id: str) -> None:
        if self._group is None:
            raise EngineClosing("the engine is not open")
        self._tasks[run_id] = self._group.create_task(self._execute(run_id))

    def _stop_all(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    async def _execute(self, run_id: str) -> None:
        record = self._runs[run_id]
        run = JournalledRun(run_id, _MemoryJournal(record, self._clock, self), self._retry, self._slots)
        entry = await conclude(run, self._workflow, record.argument, self._on_failure, self._retry)
        record.ended = status_of(run_id, entry)
        record.news.set()


class _MemoryJournal:
    def __init__(self, record: _Record, clock: Clock, engine: MemoryEngine) -> None:
        self._record = record
        self._clock = clock
        self._engine = engine
        self._place = 0

    async def record(self, name: str, produce: Callable[[], Awaitable[JsonObject]]) -> Json:
        async with self._engine.gate.entered():
            entry = self._stored(name)
            if entry is None:
                await self._engine.reach(Moment.BEFORE, name)
                produced = await produce()
                await self._engine.reach(Moment.UNSTORED, name)
                entry = self._keep(name, produced)
                await self._engine.reach(Moment.AFTER, name)
            return entry

    async def sleep(self, duration: timedelta) -> None:
        stored = self._stored("sleep")
        until = stored or self._keep("sleep", (self._clock.now() + duration).isoformat())
        await self._wait_until(datetime.fromisoformat(cast("str", until)))

    async def receive(self, topic: str, timeout: timedelta) -> Json | None:  # noqa: ASYNC109  # durable
        place = f"receive {topic}"
        limit = self._stored(f"{place} until")
        if limit is None:
            limit = self._keep(f"{place} until", (self._clock.now() + timeout).isoformat())
        received = self._stored(place)
        if received is None:
            await self._wait_for_message(topic, datetime.fromisoformat(cast("str", limit)))
            waiting = self._record.messages[topic]
            received = self._keep(place, {"message": waiting.popleft() if waiting else None})
        return cast("JsonObject", received)["message"]

    async def still_ours(self) -> None:
        return

    def _stored(self, name: str) -> Json:
        if self._place >= len(self._record.entries):
            return None
        stored, entry = self._record.entries[self._place]
        if stored != name:
            raise JournalMismatch(f"the journal holds {stored} where the code asks for {name}")
        self._place += 1
        return entry

    def _keep(self, name: str, entry: Json) -> Json:
        self._record.entries.append((name, entry))
        self._place += 1
        return entry

    async def _wait_for_message(self, topic: str, until: datetime) -> None:
        if self._record.messages[topic]:
            return
        async with asyncio.TaskGroup() as group:
            alarm = group.create_task(self._wait_until(until))
            while not alarm.done() and not self._record.messages[topic]:
                self._record.news.clear()
                news = group.create_task(_only_wait(self._record.news))
                await asyncio.wait({alarm, news}, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
            alarm.cancel()

    async def _wait_until(self, moment: datetime) -> None:
        await self._clock.sleep(max(moment - self._clock.now(), timedelta(0)))


async def _only_wait(event: asyncio.Event) -> None:
    with suppress(asyncio.CancelledError):
        await event.wait()
