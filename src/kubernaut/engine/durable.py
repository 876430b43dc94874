"""The engine: one asyncio task a run, on journals that a database keeps for one process or for many.

Which promises hold, and where they end, is in `docs/decisions/002-durable-execution.md`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Self

import structlog

from kubernaut.domain.errors import EngineClosing, RunAbandoned, StoreError, UnknownName
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine.gate import Gate
from kubernaut.engine.journal import RunJournal
from kubernaut.engine.listening import Listener
from kubernaut.engine.liveness import Pulse, Sweeper, repeat, settled
from kubernaut.engine.policy import EnginePolicy
from kubernaut.engine.run import Engine, OnFailure, RunState, RunStatus, Workflow
from kubernaut.engine.runs import Entry, RunStore, StoredRun
from kubernaut.engine.stepping import JournalledRun, conclude, ignore_failure
from kubernaut.ports import Heartbeats, Leases

log = structlog.get_logger(__name__)

# How long `outcome` goes on believing that a run of this process is still going before it asks the database.
_ASK_S = 2.0


class DurableEngine(Engine):
    """Runs of one workflow; use as an async context manager.

    `executor` names this process: unique among those that share the database, and the same again after a restart, so
    that it resumes its own runs at once.
    """

    def __init__(
        self,
        runs: RunStore,
        workflow: Workflow,
        *,
        executor: str,
        heartbeats: Heartbeats,
        leases: Leases,
        on_failure: OnFailure = ignore_failure,
        policy: EnginePolicy | None = None,
    ) -> None:
        self._runs = runs
        self._workflow = workflow
        self._executor = executor
        self._policy = policy or EnginePolicy()
        self._on_failure = on_failure
        # Half of the time after which others count us out: the other half is for a beat that takes long to write.
        self._pulse = Pulse(heartbeats, executor, self._policy.stale_after / 2, self._policy.clock)
        self._sweeper = Sweeper(heartbeats, leases, runs, executor)
        self._listener = Listener(runs)
        self._slots = asyncio.Semaphore(self._policy.steps_at_once)
        self._attended: dict[str, asyncio.Task[None]] = {}
        self._journals: dict[str, RunJournal] = {}
        self._gate = Gate()
        # What happened to runs since this process began: for whoever watches it.
        self.resumed = {"itself": 0, "a dead process": 0}
        self.abandoned = 0
        self._group: asyncio.TaskGroup | None = None
        self._lifetime: AbstractAsyncContextManager[None] | None = None

    async def __aenter__(self) -> Self:
        self._lifetime = self._open()
        await self._lifetime.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lifetime is not None:
            await self._lifetime.__aexit__(kind, error, trace)

    @property
    def in_flight(self) -> int:
        """How many runs this process attends to."""
        return len(self._attended)

    async def start(self, run_id: str, argument: JsonObject) -> None:
        """Starts the run here: its first step begins at once."""
        self._refuse_when_closed(run_id)
        # The row is the run: whoever loses this insert, here or in another process, has nothing to attend to.
        if await self._runs.begin(run_id, argument, owner=self._executor):
            # A run that has just been stored has an empty journal, which need not be read.
            self._attend(StoredRun(run_id, argument, begun=1), [])

    async def send(self, run_id: str, topic: str, payload: Json, *, key: str = "") -> bool:
        """Leaves a message for the run; whether it will be heard."""
        stored = await self._runs.post(run_id, topic, payload, key=key)
        if stored is None:
            raise UnknownName(f"no run {run_id}")
        # Only a short cut for a run of this process; one of another process hears of it when that one asks.
        if run_id in self._journals:
            self._journals[run_id].news.set()
        return stored

    async def cancel(self, run_id: str) -> None:
        """Ends the run before its next step."""
        # Stored first: a process that dies between the two leaves a run that is cancelled, not one that goes on.
        await self._runs.cancel(run_id)
        journal = self._journals.get(run_id)
        # One that is acting finds out when it stores its result.
        if journal is not None and not journal.is_acting:
            self._attended[run_id].cancel()

    async def unfinished(self) -> list[str]:
        """The ids of the runs that have not ended, oldest first."""
        return await self._runs.unfinished()

    async def status(self, run_id: str) -> RunStatus:
        """The run as it stands."""
        return await self._runs.status(run_id)

    async def outcome(self, run_id: str) -> RunStatus:
        """The run's status once it has ended; at once where it ends here, soon after where it does not."""
        pause_s = 0.002
        while True:
            task = self._attended.get(run_id)
            if task is not None:
                await asyncio.wait({task}, timeout=_ASK_S)
            status = await self._runs.status(run_id)
            if status.state is not RunState.ALIVE:
                return status
            if task is None:
                await asyncio.sleep(pause_s)
                # A run of another process can only be asked about; 0.25 s keeps a crowd of waiters off the database.
                pause_s = min(pause_s * 2, 0.25)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        policy = self._policy
        # Before anything of ours can be found unfinished: who never beat is never found dead.
        await self._pulse.beat()
        async with asyncio.TaskGroup() as group:
            self._group = group
            rounds = [
                group.create_task(repeat(self._pulse.beat, policy.beat_every, doing="heartbeat")),
                group.create_task(repeat(self._sweep, policy.sweep_every, doing="takeover")),
                group.create_task(repeat(self._listen, policy.notice_every, doing="messages")),
            ]
            try:
                # Our own at once: nobody else may act for them before `stale_after`, and waiting for the sweeper would
                # only lose time.
                await self._resume(await self._runs.unfinished(self._executor), self._executor)
                yield
                await self._gate.close(drain=policy.drain)
                if self._gate.inside:
                    log.warning("steps cut off, they run again after the restart", steps=self._gate.inside)
            finally:
                # Also where something was raised inside and nothing is drained: no step may begin while tasks are taken
                # down.
                self._gate.is_closed = True
                # Cancelled runs keep their rows and their journals, so the next process goes on where they stood.
                await settled(list(self._attended.values()))
                for task in rounds:
                    task.cancel()

    async def _sweep(self) -> None:
        policy = self._policy
        lost = await self._sweeper.lost(self._attended)
        if lost:
            log.info("own runs resumed", runs=len(lost))
            await self._resume(lost, self._executor)
        # The term outlasts a few rounds, so that one sweeper stays elected, and another takes over soon after it dies.
        for executor, runs in await self._sweeper.orphans(policy.stale_after, term=policy.sweep_every * 4):
            log.info("runs of a dead process resumed", executor=executor, runs=len(runs))
            await self._resume(runs, executor)

    async def _listen(self) -> None:
        listening = {run_id: journal for run_id, journal in self._journals.items() if journal.is_listening}
        for run_id in await self._listener.heard(listening):
            listening[run_id].news.set()

    async def _resume(self, run_ids: Collection[str], of: str) -> None:
        for run in await self._runs.take(run_ids, of=of, by=self._executor):
            older = self._attended.get(run.id)
            if older is not None:
                # This process was taken for dead, and then took the run again itself.
                await settled([older])
            # A run that kills its process would be taken up by the next one, and so kill them all in turn.
            if run.begun > self._policy.begun_at_most:
                await self._abandon(run.id)
            else:
                self.resumed["itself" if of == self._executor else "a dead process"] += 1
                self._attend(run, None)

    async def _abandon(self, run_id: str) -> None:
        self.abandoned += 1
        # People are told before the run is let go: told twice after a crash is better than never.
        await self._on_failure(run_id, RunAbandoned(f"{run_id} was begun too often without getting to its end"))
        await self._runs.cancel(run_id)

    def _attend(self, run: StoredRun, entries: list[Entry] | None) -> None:
        group = self._refuse_when_closed(run.id)
        task = group.create_task(self._see_to(run, entries))
        self._attended[run.id] = task
        task.add_done_callback(lambda done: self._let_go(run.id, done))

    async def _see_to(self, run: StoredRun, entries: list[Entry] | None) -> None:
        """Runs it to its end. Where the database fails it stays unfinished, and the sweeper takes it up again."""
        # One that is taken up while the process ends waits here, and is found unfinished by the next process.
        await self._gate.passed()
        try:
            stored = await self._runs.journal(run.id) if entries is None else entries
            journal = RunJournal(run.id, stored, self._runs, self._gate, self._pulse, pace=self._policy.pace)
            self._journals[run.id] = journal
            journalled = JournalledRun(run.id, journal, self._policy.retry, self._slots)
            entry = await conclude(journalled, self._workflow, run.argument, self._on_failure, self._policy.retry)
            await self._runs.finish(run.id, entry, owner=self._executor)
        # Not an outcome of the run: what cannot be written must not be mistaken for a failure of what was done.
        except StoreError as error:
            log.warning("the run waits for the database", run=run.id, error=str(error))

    def _let_go(self, run_id: str, task: asyncio.Task[None]) -> None:
        # An older task of a run that was taken again ends late, and must not let go of its successor.
        if self._attended.get(run_id) is task:
            del self._attended[run_id]
            self._journals.pop(run_id, None)

    def _refuse_when_closed(self, run_id: str) -> asyncio.TaskGroup:
        if self._gate.is_closed or self._group is None:
            raise EngineClosing(f"{run_id} is not started: the engine is not open")
        return self._group
