"""What DBOS leaves in the database, and what it is not allowed to read from it."""

from __future__ import annotations

import base64
import json
import pickle
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from kubernaut.adapters.clock import SystemClock
from kubernaut.adapters.memory.heartbeats import MemoryHeartbeats
from kubernaut.adapters.memory.leases import MemoryLeases
from kubernaut.domain.errors import Conflict, KubernautError
from kubernaut.domain.objects import Json, JsonObject, ObjectRef
from kubernaut.engine import Run, RunState
from kubernaut.engine.durable import DurableEngine
from kubernaut.engine.policy import EnginePolicy
from kubernaut.engine.run import OnFailure, Workflow
from kubernaut.engine.stepping import ignore_failure

_QUICK = EnginePolicy(
    sweep_every=timedelta(milliseconds=50),
    beat_every=timedelta(milliseconds=50),
    notice_every=timedelta(milliseconds=20),
)
_HOUR = timedelta(hours=1)


def opened(
    path: Path, workflow: Workflow, heartbeats: MemoryHeartbeats | None = None, on_failure: OnFailure = ignore_failure
) -> DurableEngine:
    clock = SystemClock()
    return DurableEngine(
        f"sqlite:///{path}",
        workflow,
        executor="a",
        heartbeats=heartbeats or MemoryHeartbeats(clock),
        leases=MemoryLeases(clock),
        on_failure=on_failure,
        policy=_QUICK,
    )


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection, connection:
        yield connection


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
    return [target.name, await run.receive("approval", _HOUR), argument]


async def test_everything_in_the_journal_is_json(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    async with opened(path, every_kind_of_entry) as engine:
        await engine.start("inc-1", {"alert": "KubePodCrashLooping"})
        await engine.send("inc-1", "approval", {"by": "ana"})
        assert (await engine.outcome("inc-1")).state is RunState.DONE

    texts: list[str] = []
    with connected(path) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            for column in {"inputs", "output", "error", "message"} & set(columns):
                texts += [text for (text,) in connection.execute(f"SELECT {column} FROM {table}") if text]  # noqa: S608
            if "serialization" in columns:
                kinds = {kind for (kind,) in connection.execute(f"SELECT serialization FROM {table}")}  # noqa: S608
                assert kinds <= {"portable_json", None}
    stored = [json.loads(text) for text in texts]
    assert {"value": {"api_version": "v1", "kind": "Pod", "namespace": "shop", "name": "cart-1"}} in stored
    assert {"by": "ana"} in stored


class Planted:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


async def test_a_pickle_planted_in_the_journal_is_not_run(tmp_path: Path) -> None:
    path, planted = tmp_path / "engine.db", tmp_path / "planted"

    async def workflow(run: Run, _: JsonObject) -> Json:
        async def read() -> str:
            return "read"

        await run.step("read", read, str)
        return await run.receive("go", _HOUR)

    async with opened(path, workflow) as engine:
        await engine.start("inc-1", {})
        await _until_recorded(engine, path, "read")
    poison = base64.b64encode(pickle.dumps(Planted(planted))).decode()
    with connected(path) as connection:
        connection.execute("UPDATE operation_outputs SET output = ?, serialization = 'py_pickle'", (poison,))
    async with opened(path, workflow) as engine:
        assert (await engine.outcome("inc-1")).state is RunState.FAILED

    assert not planted.exists()


async def test_a_run_that_was_begun_too_often_is_told_and_ends(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    told: list[str] = []

    async def on_failure(run_id: str, error: KubernautError) -> None:
        told.append(f"{run_id} {type(error).__name__}")

    async def workflow(run: Run, _: JsonObject) -> Json:
        return await run.receive("go", _HOUR)

    async with opened(path, workflow) as engine:
        await engine.start("inc-1", {})
    with connected(path) as connection:
        connection.execute("UPDATE workflow_status SET recovery_attempts = 1000")
    async with opened(path, workflow, on_failure=on_failure) as engine:
        while (await engine.status("inc-1")).state is not RunState.CANCELLED:
            await engine.outcome("inc-1")

    assert told == ["inc-1 RunAbandoned"]


async def test_the_runs_of_an_executor_that_never_comes_back_are_taken_over_and_it_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    heartbeats = MemoryHeartbeats(SystemClock())

    async def workflow(run: Run, _: JsonObject) -> Json:
        return await run.receive("go", _HOUR)

    async with opened(path, workflow) as engine:
        await engine.start("inc-1", {})
    with connected(path) as connection:
        connection.execute("UPDATE workflow_status SET executor_id = 'gone'")
    heartbeats.note("gone", age=_HOUR)
    async with opened(path, workflow, heartbeats) as engine:
        await engine.send("inc-1", "go", "now")
        assert (await engine.outcome("inc-1")).result == "now"


async def test_a_database_that_cannot_be_durable_is_refused() -> None:
    async def workflow(_run: Run, _: JsonObject) -> Json:
        return None

    with pytest.raises(KubernautError):
        async with opened(Path(":memory:"), workflow):
            pass


async def _until_recorded(engine: DurableEngine, path: Path, step: str) -> None:
    assert (await engine.status("inc-1")).state is RunState.ALIVE
    found = 0
    while not found:
        with connected(path) as connection:
            query = "SELECT count(*) FROM operation_outputs WHERE function_name = ?"
            found = connection.execute(query, (step,)).fetchone()[0]
        await engine.status("inc-1")
