"""The fake dies and comes back as a process does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.engine import MemoryEngine, Moment
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine import Run, RunState


@pytest.mark.parametrize(("moment", "times"), [(Moment.BEFORE, 1), (Moment.UNSTORED, 2), (Moment.AFTER, 1)], ids=str)
async def test_only_the_step_whose_result_was_not_stored_runs_again_after_a_crash(moment: Moment, times: int) -> None:
    acts: list[str] = []

    async def workflow(run: Run, _: JsonObject) -> Json:
        for name in ("one", "two", "three"):

            async def act(name: str = name) -> None:
                acts.append(name)

            await run.step(name, act, type(None))
        return "done"

    async with MemoryEngine(workflow, ManualClock()) as engine:
        engine.crash_at("two", moment)
        await engine.start("inc-1", {})
        await engine.crashed.wait()
        assert await engine.unfinished() == ["inc-1"]
        await engine.recover()
        assert (await engine.outcome("inc-1")).result == "done"

    assert [acts.count(name) for name in ("one", "two", "three")] == [1, times, 1]


async def test_a_wait_goes_on_with_what_is_left_of_it_after_a_crash() -> None:
    clock = ManualClock()
    begun = clock.now()

    async def workflow(run: Run, _: JsonObject) -> Json:
        await run.sleep(timedelta(minutes=5))
        return str(clock.now() - begun)

    async with MemoryEngine(workflow, clock) as engine:
        await engine.start("inc-1", {})
        await clock.advance(timedelta(minutes=3))
        engine.crash()
        await engine.recover()
        await clock.advance(timedelta(minutes=1))
        assert (await engine.status("inc-1")).state is RunState.ALIVE
        await clock.advance(timedelta(minutes=1))
        assert (await engine.outcome("inc-1")).result == "0:05:00"


async def test_a_received_message_is_the_same_one_after_a_crash() -> None:
    async def workflow(run: Run, _: JsonObject) -> Json:
        answer = await run.receive("approval", timedelta(hours=1))
        await run.sleep(timedelta(minutes=1))
        return answer

    clock = ManualClock()
    async with MemoryEngine(workflow, clock) as engine:
        await engine.start("inc-1", {})
        await engine.send("inc-1", "approval", "yes")
        await clock.advance(timedelta(seconds=1))
        engine.crash()
        await engine.recover()
        await clock.advance(timedelta(minutes=1))
        assert (await engine.outcome("inc-1")).result == "yes"
