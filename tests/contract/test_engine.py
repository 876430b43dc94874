"""What every engine keeps: the memory one, and the durable one on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from kubernaut.adapters.clock import SystemClock
from kubernaut.adapters.memory.engine import MemoryEngine
from kubernaut.adapters.store import open_store
from kubernaut.domain.changes import Change, ObjectDeletion
from kubernaut.domain.errors import (
    ClusterThrottled,
    ClusterUnavailable,
    Conflict,
    KubernautError,
    UnknownName,
)
from kubernaut.domain.objects import Json, JsonObject, ObjectRef, Uid
from kubernaut.engine import Engine, Run, RunState
from kubernaut.engine.durable import DurableEngine
from kubernaut.engine.policy import EnginePolicy
from kubernaut.engine.retrying import RetryPolicy
from kubernaut.engine.run import Workflow

T = TypeVar("T")
_EAGER = RetryPolicy(attempts=3, first=timedelta(0))
_HOUR = timedelta(hours=1)
_POLICY = EnginePolicy(retry=_EAGER, notice_every=timedelta(milliseconds=20))

Opening = Callable[[Workflow], AbstractAsyncContextManager[Engine]]


@dataclass
class Ledger:
    """What really happened, outside of any journal."""

    acts: list[str] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)

    acted: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, act: str) -> None:
        self.acts.append(act)
        self.acted.set()

    async def on_failure(self, run_id: str, error: KubernautError) -> None:
        self.failures.append((run_id, type(error).__name__))

    def act(self, name: str, result: T) -> Callable[[], Awaitable[T]]:
        async def action() -> T:
            self.note(name)
            return result

        return action


@dataclass
class World:
    """One kind of engine with its storage; `open` starts a process on it, closing it stops that process."""

    open: Opening
    ledger: Ledger


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    ledger = Ledger()
    if request.param == "memory":
        return World(_memory(ledger), ledger)
    url = f"sqlite:///{tmp_path}/engine.db" if request.param == "sqlite" else request.getfixturevalue("empty_database")
    return World(_durable(url, ledger), ledger)


def _memory(ledger: Ledger) -> Opening:
    kept: list[MemoryEngine] = []

    @asynccontextmanager
    async def opened(workflow: Workflow) -> AsyncIterator[Engine]:
        if not kept:
            kept.append(MemoryEngine(workflow, SystemClock(), on_failure=ledger.on_failure))
        async with kept[0] as engine:
            await engine.recover()
            yield engine

    return opened


def _durable(url: str, ledger: Ledger) -> Opening:
    @asynccontextmanager
    async def opened(workflow: Workflow) -> AsyncIterator[Engine]:
        with closing(open_store(url)) as store:
            async with DurableEngine(
                store.runs,
                workflow,
                executor="a",
                heartbeats=store.heartbeats,
                leases=store.leases,
                on_failure=ledger.on_failure,
                policy=_POLICY,
            ) as engine:
                yield engine

    return opened


async def test_a_run_ends_with_what_its_workflow_returns(world: World) -> None:
    async def workflow(run: Run, argument: JsonObject) -> Json:
        first = await run.step("first", world.ledger.act("first", 2), int)
        return [run.id, argument["n"], first]

    async with world.open(workflow) as engine:
        await engine.start("inc-1", {"n": 1})
        status = await engine.outcome("inc-1")

    assert (status.state, status.result) == (RunState.DONE, ["inc-1", 1, 2])


async def test_a_second_start_of_the_same_id_is_the_same_run(world: World) -> None:
    async def workflow(run: Run, argument: JsonObject) -> Json:
        await run.step("act", world.ledger.act(str(argument["n"]), None), type(None))
        return argument["n"]

    async with world.open(workflow) as engine:
        await asyncio.gather(engine.start("inc-1", {"n": 1}), engine.start("inc-1", {"n": 1}))
        await engine.outcome("inc-1")
        await engine.start("inc-1", {"n": 2})
        status = await engine.outcome("inc-1")

    assert status.result == 1
    assert world.ledger.acts == ["1"]


async def test_a_value_of_the_domain_comes_back_from_the_journal_as_it_went_in(world: World) -> None:
    deletion = ObjectDeletion(ObjectRef("v1", "Pod", "shop", "cart-1"), Uid("u-1"), grace_period_s=5)
    seen: list[Change] = []

    async def workflow(run: Run, _: JsonObject) -> Json:
        async def action() -> Change:
            return deletion

        seen.append(await run.step("decide", action, Change))
        return None

    async with world.open(workflow) as engine:
        await engine.start("inc-1", {})
        await engine.outcome("inc-1")

    assert seen == [deletion]


async def test_a_run_that_waits_goes_on_in_the_next_process_without_repeating_its_steps(world: World) -> None:
    async def workflow(run: Run, _: JsonObject) -> Json:
        first = await run.step("first", world.ledger.act("first", "one"), str)
        approved = await run.receive("approval", _HOUR)
        second = await run.step("second", world.ledger.act("second", "two"), str)
        return [first, approved, second]

    async with world.open(workflow) as engine:
        await engine.start("inc-1", {})
        await world.ledger.acted.wait()
    async with world.open(workflow) as engine:
        assert await engine.unfinished() == ["inc-1"]
        await engine.send("inc-1", "approval", {"by": "ana"})
        status = await engine.outcome("inc-1")

    assert status.result == ["one", {"by": "ana"}, "two"]
    assert world.ledger.acts == ["first", "second"]


async def test_closing_lets_the_step_under_way_finish_and_begins_no_further_one(world: World) -> None:
    under_way = asyncio.Event()

    async def workflow(run: Run, _: JsonObject) -> Json:
        async def slow() -> None:
            under_way.set()
            world.ledger.note("slow begins")
            await asyncio.sleep(0.05)
            world.ledger.note("slow ends")

        await run.step("slow", slow, type(None))
        await run.step("next", world.ledger.act("next", None), type(None))
        return None

    async with world.open(workflow) as engine:
        await engine.start("inc-1", {})
        await under_way.wait()
    assert world.ledger.acts == ["slow begins", "slow ends"]
    async with world.open(workflow) as engine:
        assert (await engine.outcome("inc-1")).state is RunState.DONE

    assert world.ledger.acts == ["slow begins", "slow ends", "next"]


async def test_a_run_that_had_hardly_begun_when_the_process_was_stopped_is_no_failure(world: World) -> None:
    async def workflow(run: Run, _: JsonObject) -> Json:
        return await run.receive("go", _HOUR)

    for _ in range(2):
        async with world.open(workflow) as engine:
            await asyncio.gather(*(engine.start(f"inc-{number}", {}) for number in range(5)))
    async with world.open(workflow) as engine:
        assert len(await engine.unfinished()) == 5
    assert world.ledger.failures == []


async def test_a_durable_sleep_ends(world: World) -> None:
    async def workflow(run: Run, _: JsonObject) -> Json:
        await run.sleep(timedelta(milliseconds=30))
        return "rested"

    async with world.open(workflow) as engine:
        await engine.start("inc-1", {})
        assert (await engine.outcome("inc-1")).result == "rested"


async def test_receiving_gives_up_after_the_time_out(world: World) -> None:
    async def workflow(run: Run, _: JsonObject) -> Json:
        return await run.receive("approval", timedelta(milliseconds=30)) or "nobody answered"

    async with world.open(workflow) as engine:
        await engine.start("inc-1", {})
        assert (await engine.outcome("inc-1")).result == "nobody answered"


async def test_messages_are_received_in_order_by_topic_and_a_repeated_key_once(world: World) -> None:
    async def workflow(run: Run, _: JsonObject) -> Json:
        await run.receive("go", _HOUR)
        one = await run.receive("approval", _HOUR)
        two = await run.receive("approval", _HOUR)
        three = await run.receive("approval", timedelta(milliseconds=30))
        return [one, two, three]

    async with world.open(workflow) as engine:
        await engine.start("inc-1", {})
        await engine.send("inc-1", "approval", 1, key="click-1")
        await engine.send("inc-1", "approval", 1, key="click-1")
        await engine.send("inc-1", "approval", 2, key="click-2")
        await engine.send("inc-1", "go", "now")
        assert (await engine.outcome("inc-1")).result == [1, 2, None]


async def test_a_message_for_no_run_is_refused(world: World) -> None:
    async def workflow(_run: Run, _: JsonObject) -> Json:
        return None

    async with world.open(workflow) as engine:
        with pytest.raises(UnknownName):
            await engine.send("inc-9", "approval", "yes")


async def test_a_retryable_error_is_tried_again_until_it_goes_well(world: World) -> None:
    async def workflow(run: Run, _: JsonObject) -> Json:
        async def shaky() -> str:
            world.ledger.note("try")
            if len(world.ledger.acts) < 3:
                raise ClusterUnavailable("connection refused")
            return "read"

        return await run.step("read", shaky, str)

    async with world.open(workflow) as engine:
        await engine.start("inc-1", {})
        assert (await engine.outcome("inc-1")).result == "read"


async def test_a_retryable_error_that_stays_reaches_the_workflow_after_the_last_attempt(world: World) -> None:
    async def workflow(run: Run, _: JsonObject) -> Json:
        async def throttled() -> None:
            world.ledger.note("try")
            raise ClusterThrottled("slow down", retry_after_s=0.01)

        try:
            await run.step("read", throttled, type(None))
        except ClusterThrottled as error:
            return [str(error), error.retry_after_s]
        return None

    async with world.open(workflow) as engine:
        await engine.start("inc-1", {})
        assert (await engine.outcome("inc-1")).result == ["slow down", 0.01]
    assert world.ledger.acts == ["try"] * _EAGER.attempts


async def test_an_error_that_is_not_retryable_reaches_the_workflow_and_its_replay_alike(world: World) -> None:
    async def workflow(run: Run, _: JsonObject) -> Json:
        async def write() -> None:
            world.ledger.note("write")
            raise Conflict("changed since it was read", help="read it again")

        try:
            await run.step("write", write, type(None))
        except Conflict as error:
            await run.receive("go", _HOUR)
            return [str(error), error.help]
        return None

    async with world.open(workflow) as engine:
        await engine.start("inc-1", {})
        await world.ledger.acted.wait()
    async with world.open(workflow) as engine:
        await engine.send("inc-1", "go", "now")
        assert (await engine.outcome("inc-1")).result == ["changed since it was read", "read it again"]
    assert world.ledger.acts == ["write"]


@pytest.mark.parametrize("place", ["step", "between"])
async def test_what_nobody_foresaw_ends_the_run_and_is_told(world: World, place: str) -> None:
    async def workflow(run: Run, _: JsonObject) -> Json:
        async def divide() -> float:
            return 1 / 0

        if place == "step":
            await run.step("divide", divide, float)
        return str(1 // 0)

    async with world.open(workflow) as engine:
        await engine.start("inc-1", {})
        status = await engine.outcome("inc-1")

    assert status.state is RunState.FAILED
    assert "ZeroDivisionError" in status.error
    assert world.ledger.failures == [("inc-1", "StepBroke")]


async def test_an_error_the_workflow_lets_through_ends_the_run_by_its_name(world: World) -> None:
    async def workflow(run: Run, _: JsonObject) -> Json:
        async def write() -> None:
            raise Conflict("changed")

        await run.step("write", write, type(None))
        return None

    async with world.open(workflow) as engine:
        await engine.start("inc-1", {})
        status = await engine.outcome("inc-1")

    assert (status.state, status.error) == (RunState.FAILED, "Conflict: changed")
    assert world.ledger.failures == [("inc-1", "Conflict")]


async def test_two_steps_of_one_name_end_the_run(world: World) -> None:
    async def workflow(run: Run, _: JsonObject) -> Json:
        for _again in range(2):
            await run.step("act", world.ledger.act("act", None), type(None))
        return None

    async with world.open(workflow) as engine:
        await engine.start("inc-1", {})
        assert (await engine.outcome("inc-1")).state is RunState.FAILED
    assert world.ledger.failures == [("inc-1", "StepNameTaken")]
    assert world.ledger.acts == ["act"]


async def test_a_journal_that_does_not_fit_the_code_any_more_ends_the_run_without_another_act(world: World) -> None:
    names = ["before the release"]

    async def workflow(run: Run, _: JsonObject) -> Json:
        await run.step(names[-1], world.ledger.act(names[-1], None), type(None))
        await run.receive("go", _HOUR)
        return None

    async with world.open(workflow) as engine:
        await engine.start("inc-1", {})
        await world.ledger.acted.wait()
    names.append("after the release")
    async with world.open(workflow) as engine:
        assert (await engine.outcome("inc-1")).state is RunState.FAILED
    assert world.ledger.failures == [("inc-1", "JournalMismatch")]
    assert world.ledger.acts == ["before the release"]


async def test_a_cancelled_run_takes_no_further_step(world: World) -> None:
    async def workflow(run: Run, _: JsonObject) -> Json:
        await run.step("first", world.ledger.act("first", None), type(None))
        await run.receive("go", timedelta(milliseconds=100))
        await run.step("second", world.ledger.act("second", None), type(None))
        return None

    async with world.open(workflow) as engine:
        await engine.start("inc-1", {})
        await world.ledger.acted.wait()
        await engine.cancel("inc-1")
        assert (await engine.outcome("inc-1")).state is RunState.CANCELLED
        assert await engine.unfinished() == []
        await asyncio.sleep(0.2)
    assert world.ledger.acts == ["first"]


async def test_a_run_nobody_started_is_unknown(world: World) -> None:
    async def workflow(_run: Run, _: JsonObject) -> Json:
        return None

    async with world.open(workflow) as engine:
        assert (await engine.status("inc-9")).state is RunState.UNKNOWN


async def test_no_more_steps_are_under_way_at_once_than_allowed(world: World) -> None:
    under_way: list[int] = [0]
    most: list[int] = [0]

    async def workflow(run: Run, _: JsonObject) -> Json:
        async def act() -> None:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
            await asyncio.sleep(0.01)
            under_way[0] -= 1

        await run.step("act", act, type(None))
        return None

    async with world.open(workflow) as engine:
        for number in range(40):
            await engine.start(f"inc-{number}", {})
        for number in range(40):
            await engine.outcome(f"inc-{number}")
    assert 1 < most[0] <= _POLICY.steps_at_once
