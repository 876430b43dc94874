"""The engine on DBOS: SQLite in one file, or PostgreSQL for many processes.

Which promises hold, and where they end, is in `docs/decisions/002-durable-execution.md`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Self, cast

import structlog
from dbos import DBOS

from kubernaut.domain.errors import EngineClosing
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine import dbos_calls, launching
from kubernaut.engine.dbos_calls import DbosJournal
from kubernaut.engine.gate import Gate
from kubernaut.engine.guarding import GuardedJournal
from kubernaut.engine.liveness import Pulse, Sweeper, repeat, settled
from kubernaut.engine.policy import EnginePolicy
from kubernaut.engine.run import Engine, OnFailure, RunState, RunStatus, Workflow
from kubernaut.engine.stepping import JournalledRun, conclude, ignore_failure
from kubernaut.ports import Heartbeats, Leases

log = structlog.get_logger(__name__)


class DurableEngine(Engine):
    """Runs of one workflow, one asyncio task each; use as an async context manager, one at a time in a process.

    `executor` names this process: unique among those that share the database, and the same again after a restart, so
    that it resumes its own runs at once.
    """

    def __init__(
        self,
        url: str,
        workflow: Workflow,
        *,
        executor: str,
        heartbeats: Heartbeats,
        leases: Leases,
        on_failure: OnFailure = ignore_failure,
        policy: EnginePolicy | None = None,
    ) -> None:
        self._url = url
        self._workflow = workflow
        self._executor = executor
        self._policy = policy or EnginePolicy()
        self._on_failure = on_failure
        # Half of the time after which others count us out: the other half is for a beat that takes long to write.
        self._pulse = Pulse(heartbeats, executor, trust=self._policy.stale_after / 2)
        self._sweeper = Sweeper(heartbeats, leases, executor, on_failure)
        self._slots = asyncio.Semaphore(self._policy.steps_at_once)
        self._attended: dict[str, asyncio.Task[object]] = {}
        self._gate = Gate()
        self._execute: dbos_calls.Execute | None = None
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

    async def start(self, run_id: str, argument: JsonObject) -> None:
        """Starts the run here, without a queue: the first step begins at once."""
        if self._gate.is_closed or self._execute is None:
            raise EngineClosing(f"{run_id} is not started: the engine is not open")
        await dbos_calls.start(self._execute, run_id, argument)

    async def send(self, run_id: str, topic: str, payload: Json, *, key: str = "") -> None:
        """Leaves a message for the run."""
        await dbos_calls.send(run_id, topic, payload, key)

    async def cancel(self, run_id: str) -> None:
        """Ends the run before its next step."""
        await dbos_calls.cancel([run_id])

    async def unfinished(self) -> list[str]:
        """The ids of the runs that have not ended, oldest first."""
        return await dbos_calls.unfinished()

    async def status(self, run_id: str) -> RunStatus:
        """The run as it stands."""
        return await dbos_calls.status(run_id)

    async def outcome(self, run_id: str) -> RunStatus:
        """The run's status once it has ended; at once where it ends here, soon after where it does not."""
        pause_s = 0.002
        while True:
            task = self._attended.get(run_id)
            if task is not None:
                await asyncio.wait({task}, timeout=2)
            status = await dbos_calls.status(run_id)
            if status.state is not RunState.ALIVE:
                return status
            if task is None:
                # Just started here and not begun yet, or the run of another process.
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 0.25)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        policy = self._policy
        # Before anything of ours can be found pending: who never beat is never found dead.
        await self._pulse.beat()
        await asyncio.to_thread(launching.prepare, self._url)
        launching.route_logging()
        launching.forbid_pickle()
        dbos = DBOS(config=launching.configuration(self._url, self._executor, policy))
        self._execute = self._registered()
        # On this thread, for DBOS then runs the workflows on this loop, where the ports live.
        DBOS.launch()
        try:
            async with asyncio.TaskGroup() as group:
                beating = group.create_task(repeat(self._pulse.beat, policy.beat_every, doing="heartbeat"))
                sweeping = group.create_task(repeat(self._sweep, policy.sweep_every, doing="takeover"))
                try:
                    yield
                    await self._gate.close(drain=policy.drain)
                    if self._gate.inside:
                        log.warning("steps cut off, they run again after the restart", steps=self._gate.inside)
                finally:
                    self._gate.is_closed = True
                    await launching.stop_runs(dbos)
                    beating.cancel()
                    sweeping.cancel()
        finally:
            # DBOS made its threads the loop's; they end with it.
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="after-engine"))
            await asyncio.to_thread(launching.shut_down, dbos, wait=policy.drain)

    def _registered(self) -> dbos_calls.Execute:
        @DBOS.workflow(name="run")
        async def execute(argument: JsonObject) -> Json:
            return await self._attend(cast("str", DBOS.workflow_id), argument)

        return execute

    async def _sweep(self) -> None:
        policy = self._policy
        await self._sweeper.sweep(self._attended, stale_after=policy.stale_after, term=policy.sweep_every * 4)

    async def _attend(self, run_id: str, argument: JsonObject) -> Json:
        await self._gate.passed()
        task = cast("asyncio.Task[object]", asyncio.current_task())
        older = self._attended.get(run_id)
        if older is not None and not older.done():
            # This process was taken for dead, and then took the run again itself.
            await settled([older])
        self._attended[run_id] = task
        task.add_done_callback(lambda done: self._let_go(run_id, done))
        journal = GuardedJournal(run_id, DbosJournal(run_id, self._policy.pace), self._gate, self._pulse)
        run = JournalledRun(run_id, journal, self._policy.retry, self._slots)
        return cast("Json", await conclude(run, self._workflow, argument, self._on_failure, self._policy.retry))

    def _let_go(self, run_id: str, task: asyncio.Task[object]) -> None:
        if self._attended.get(run_id) is task:
            del self._attended[run_id]
