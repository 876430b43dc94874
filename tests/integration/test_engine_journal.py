"""What the engine leaves in the database, and what it makes of what it finds there."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from kubernaut.adapters.clock import SystemClock
from kubernaut.adapters.memory.heartbeats import MemoryHeartbeats
from kubernaut.adapters.store import open_store
from kubernaut.domain.errors import Conflict, KubernautError, StoreUnavailable
from kubernaut.domain.objects import Json, JsonObject, ObjectRef
from kubernaut.engine import Run, RunState
from kubernaut.engine.durable import DurableEngine
from kubernaut.engine.policy import EnginePolicy
from kubernaut.engine.run import OnFailure, Workflow
from kubernaut.engine.runs import Entry
from kubernaut.engine.stepping import ignore_failure

_QUICK = EnginePolicy(
    sweep_every=timedelta(milliseconds=50),
    beat_every=timedelta(milliseconds=50),
    notice_every=timedelta(milliseconds=20),
)
_HOUR = timedelta(hours=1)


@asynccontextmanager
async def opened(
    path: Path, workflow: Workflow, heartbeats: MemoryHeartbeats | None = None, on_failure: OnFailure = ignore_failure
) -> AsyncIterator[DurableEngine]:
    with closing(open_store(f"sqlite:///{path}")) as store:
        async with DurableEngine(
            store.runs,
            workflow,
            executor="a",
            heartbeats=heartbeats or MemoryHeartbeats(SystemClock()),
            leases=store.leases,
            on_failure=on_failure,
            policy=_QUICK,
        ) as engine:
            yield engine


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection, connection:
        yield connection


async def waiting(run: Run, _: JsonObject) -> Json:
    return await run.receive("go", _HOUR)


async def every_kind_of_entry(run: Run, argument: JsonObject) -> Json:
    async def read() -> ObjectRef:
        return ObjectRef("v1", "Pod", "shop", "cart-1")

    async def write() -> None:
        raise Conflict("changed")

    target = await run.step("read", read, ObjectRef)
    try:
        await run.step("write", write, type(None))
    except Conflict:
        await run.sleep(timedelta(milliseconds=1))
    first = await run.receive("approval", _HOUR)
    return [target.name, first, await run.receive("approval", _HOUR), argument]


async def test_the_journal_is_json_that_any_tool_reads_and_it_goes_with_the_end_of_its_run(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    async with opened(path, every_kind_of_entry) as engine:
        await engine.start("inc-1", {"alert": "KubePodCrashLooping"})
        await engine.send("inc-1", "approval", {"by": "ana"})
        await _until_names(path, 5)
        with connected(path) as connection:
            entries = [json.loads(text) for (text,) in connection.execute("SELECT entry FROM run_entries")]
        await engine.send("inc-1", "approval", "enough")
        assert (await engine.outcome("inc-1")).state is RunState.DONE

    assert {"value": {"api_version": "v1", "kind": "Pod", "namespace": "shop", "name": "cart-1"}} in entries
    assert {"seq": 1, "message": {"by": "ana"}} in entries
    with connected(path) as connection:
        assert connection.execute("SELECT count(*) FROM run_entries").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM run_messages").fetchone() == (0,)
        assert connection.execute("SELECT id, state FROM runs").fetchall() == [("inc-1", "done")]


async def test_a_run_that_was_begun_too_often_is_told_and_ends(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    told: list[str] = []

    async def on_failure(run_id: str, error: KubernautError) -> None:
        told.append(f"{run_id} {type(error).__name__}")

    async with opened(path, waiting) as engine:
        await engine.start("inc-1", {})
    with connected(path) as connection:
        connection.execute("UPDATE runs SET begun = 1000")
    async with opened(path, waiting, on_failure=on_failure) as engine:
        assert (await engine.status("inc-1")).state is RunState.CANCELLED

    assert told == ["inc-1 RunAbandoned"]


async def test_the_runs_of_an_executor_that_never_comes_back_are_taken_over_and_it_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    heartbeats = MemoryHeartbeats(SystemClock())
    async with opened(path, waiting) as engine:
        await engine.start("inc-1", {})
    with connected(path) as connection:
        connection.execute("UPDATE runs SET owner = 'gone'")
    heartbeats.note("gone", age=_HOUR)
    async with opened(path, waiting, heartbeats) as engine:
        await engine.send("inc-1", "go", "now")
        assert (await engine.outcome("inc-1")).result == "now"
        async with asyncio.timeout(5):
            while await heartbeats.stale(_HOUR / 2):
                await asyncio.sleep(0.02)


async def test_what_a_process_writes_for_a_run_that_another_has_taken_is_refused(tmp_path: Path) -> None:
    with closing(open_store(f"sqlite:///{tmp_path}/store.sqlite")) as store:
        runs = store.runs
        await runs.begin("inc-1", {"n": 1}, owner="a")
        assert await runs.keep("inc-1", 0, Entry("first", 1), owner="a")

        assert [run.id for run in await runs.take(["inc-1"], of="a", by="b")] == ["inc-1"]

        assert not await runs.keep("inc-1", 1, Entry("second", 2), owner="a")
        assert not await runs.finish("inc-1", {"value": None}, owner="a")
        assert await runs.keep("inc-1", 1, Entry("second", "two"), owner="b")
        assert not await runs.keep("inc-1", 1, Entry("second", "again"), owner="b")
        assert await runs.journal("inc-1") == [Entry("first", 1), Entry("second", "two")]
        assert await runs.take(["inc-1"], of="a", by="c") == []


async def test_a_message_that_another_process_left_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    async with opened(path, waiting) as engine:
        await engine.start("inc-1", {})
        await _until_names(path, 1)
        with closing(open_store(f"sqlite:///{path}")) as other:
            assert await other.runs.post("inc-1", "go", {"by": "ana"}, key="")
        assert (await engine.outcome("inc-1")).result == {"by": "ana"}


@pytest.fixture
def every_level() -> Iterator[None]:
    """Logs as a process has them that has put no settings in force, which another test of this one may have done."""
    before = structlog.get_config()
    structlog.reset_defaults()
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("every_level")
async def test_a_run_goes_on_when_a_database_that_failed_it_answers_again(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    acts: list[str] = []

    async def workflow(run: Run, _: JsonObject) -> Json:
        async def act() -> str:
            acts.append("act")
            if len(acts) == 1:
                with connected(path) as connection:
                    connection.execute("ALTER TABLE run_entries RENAME TO away")
            return "done"

        return await run.step("act", act, str)

    async with opened(path, workflow) as engine:
        with capture_logs() as told:
            await engine.start("inc-1", {})
            async with asyncio.timeout(60):
                while not any(entry["event"] == "journal does not answer, the run waits" for entry in told):
                    await asyncio.sleep(0.02)
        assert (await engine.status("inc-1")).state is RunState.ALIVE
        with connected(path) as connection:
            connection.execute("ALTER TABLE away RENAME TO run_entries")
        assert (await engine.outcome("inc-1")).result == "done"

    assert acts == ["act", "act"]


async def test_a_closed_store_takes_no_run(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite")
    store.close()

    with pytest.raises(StoreUnavailable):
        await store.runs.begin("inc-1", {}, owner="a")


async def _until_names(path: Path, wanted: int) -> None:
    async with asyncio.timeout(5):
        found = 0
        while found < wanted:
            await asyncio.sleep(0.01)
            with connected(path) as connection:
                found = connection.execute("SELECT count(*) FROM run_entries").fetchone()[0]
