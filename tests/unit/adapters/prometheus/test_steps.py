from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.engine import MemoryEngine
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.prometheus.steps import metered_run, metered_step
from kubernaut.domain.errors import ClusterError, ClusterUnavailable
from kubernaut.domain.execution import Applied, Execution
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.domain.plans import Decision, Plan
from kubernaut.engine.codec import dump
from kubernaut.engine.run import Run
from tests.examples import NOON, an_incident

HEAL: JsonObject = {"do": "heal", "incident": dump(an_incident())}


async def ran(steps: Callable[[Run], Awaitable[None]]) -> MemoryMeter:
    """What the meter holds after a run of those steps, five minutes after the incident was opened."""
    meter, clock = MemoryMeter(), ManualClock(NOON + timedelta(minutes=5))

    async def workflow(run: Run, argument: JsonObject) -> Json:
        await steps(metered_run(run, argument, meter, clock))
        return None

    async with MemoryEngine(workflow, clock) as engine:
        await engine.start("inc-1", HEAL)
        await engine.outcome("inc-1")
    return meter


async def given(value: object) -> object:
    return value


async def test_each_step_is_timed_under_its_stage() -> None:
    async def steps(run: Run) -> None:
        await run.step("investigate-1", lambda: given("found"), returns=str)
        await run.step("investigate-2", lambda: given("found"), returns=str)
        await run.step("learn", lambda: given("kept"), returns=str)

    meter = await ran(steps)

    timed = {labels: len(times) for (name, labels), times in meter.timings.items() if name == "step_seconds"}
    assert timed == {
        frozenset({("stage", "investigation"), ("step", "investigate")}): 2,
        frozenset({("stage", "learning"), ("step", "learn")}): 1,
    }
    assert meter.total("step_errors") == 0


async def test_an_error_is_counted_by_its_kind_each_time_it_is_tried() -> None:
    tries = 0

    async def fails_once() -> str:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ClusterUnavailable("no answer")
        return "found"

    async def steps(run: Run) -> None:
        await run.step("investigate-1", fails_once, returns=str)

    meter = await ran(steps)

    assert meter.total("step_errors", stage="investigation", step="investigate", error="ClusterUnavailable") == 1
    assert sum(len(times) for (name, _), times in meter.timings.items() if name == "step_seconds") == 2


async def test_a_defect_of_ours_is_counted_as_such() -> None:
    async def breaks() -> None:
        raise ZeroDivisionError

    meter = MemoryMeter()
    with pytest.raises(ZeroDivisionError):
        await metered_step(meter, "plan", breaks)
    assert meter.total("step_errors", error="StepBroke") == 1


async def test_a_step_that_is_cut_off_by_the_end_of_the_process_is_no_error() -> None:
    meter = MemoryMeter()

    async def waits() -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await metered_step(meter, "apply", waits)
    assert meter.total("step_errors") == 0


async def test_how_an_incident_ended_and_what_was_done_is_counted() -> None:
    def execution(applied: Applied) -> Execution:
        return Execution(None, applied, "", NOON)

    async def steps(run: Run) -> None:
        plan = Plan(Decision.ACT, "it is safe", "allowed")
        await run.step("plan-1", lambda: given(plan), returns=Plan)
        await run.step("apply-1", lambda: given(execution(Applied.DONE)), returns=Execution)
        await run.step("verify-1", lambda: given("worse"), returns=str)
        await run.step("undo-1", lambda: given(execution(Applied.DONE)), returns=Execution)
        await run.step("intend-2", lambda: given(execution(Applied.REFUSED)), returns=Execution)
        await run.step("undo", lambda: given(execution(Applied.REFUSED)), returns=Execution)
        await run.step("close", lambda: given("undone"), returns=str)

    meter = await ran(steps)

    assert meter.total("actions", result="done") == 1
    assert meter.total("actions", result="refused") == 1
    assert meter.total("verifications", effect="worse") == 1
    assert meter.total("undos", by="kubernaut", result="done") == 1
    assert meter.total("undos", by="person", result="refused") == 1
    assert meter.total("incidents_closed", ending="undone") == 1
    assert meter.timings["decision_seconds", frozenset()] == [300.0]
    assert meter.timings["incident_seconds", frozenset({("ending", "undone")})] == [300.0]


async def test_an_error_that_is_not_tried_again_still_leaves_the_run() -> None:
    async def refuses() -> str:
        raise ClusterError("not found")

    async def steps(run: Run) -> None:
        with pytest.raises(ClusterError):
            await run.step("apply-1", refuses, returns=str)

    assert (await ran(steps)).total("step_errors", step="apply", error="ClusterError") == 1
