"""A run whose steps are timed and counted; what they came to as well.

A step that is replayed from its journal is not executed, and so not counted. A process that dies behind a step and
before the next scrape takes that step's figures with it: the events of an incident are the truth, this is for alarms.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from types import MappingProxyType
from typing import TypeVar

from typing_extensions import TypeForm

from kubernaut.domain.errors import KubernautError
from kubernaut.domain.execution import Applied, Execution
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.domain.plans import Plan
from kubernaut.engine.run import Run
from kubernaut.ports import Clock, Meter

T = TypeVar("T")

STAGES: Mapping[str, str] = MappingProxyType(
    {
        "admit": "triage",
        "investigate": "investigation",
        "plan": "planning",
        "ask": "planning",
        "answer": "planning",
        "intend": "execution",
        "apply": "execution",
        "undo": "execution",
        "observe": "verification",
        "verify": "verification",
        "propose": "execution",
        "submit": "execution",
        "watch": "verification",
        "compare": "verification",
        "tell": "execution",
        "value": "impact",
        "learn": "learning",
        "correct": "learning",
        "close": "execution",
    }
)


@dataclass(frozen=True, slots=True)
class MeteredRun(Run):
    """A run of the incident that was opened then."""

    run: Run
    meter: Meter
    clock: Clock
    opened_at: datetime

    @property
    def id(self) -> str:
        """The id it was started with."""
        return self.run.id

    async def step(self, name: str, action: Callable[[], Awaitable[T]], returns: TypeForm[T]) -> T:
        """The action's result; each try is timed, and its result counted, when it is executed."""
        verb = name.partition("-")[0]

        async def metered() -> T:
            result = await metered_step(self.meter, verb, action)
            self._count(name, verb, result)
            return result

        return await self.run.step(name, metered, returns)

    async def sleep(self, duration: timedelta) -> None:
        """Waits durably."""
        await self.run.sleep(duration)

    async def receive(self, topic: str, timeout: timedelta) -> Json | None:  # noqa: ASYNC109  # durable
        """The next message of the topic, None after the time-out."""
        return await self.run.receive(topic, timeout)

    def _count(self, name: str, verb: str, result: object) -> None:
        meter = self.meter
        match verb, result:
            case "plan", Plan() if name == "plan-1":
                meter.observe("decision_seconds", self._age_s())
            case "intend", Execution(applied=Applied.REFUSED):
                # What was refused has no intent to read the action from, so it goes without one.
                meter.count("actions", action="", result=Applied.REFUSED.value)
            case "apply", Execution(intent=intent, applied=applied):
                action = str(intent.preview.call.action) if intent else ""
                meter.count("actions", action=action, result=applied.value)
            case "undo", Execution(applied=applied):
                # A step without a number is the undo that a person asked for.
                meter.count("undos", by="person" if name == verb else "kubernaut", result=applied.value)
            case "verify", str():
                meter.count("verifications", effect=str(result))
            case "close", str():
                meter.count("incidents_closed", ending=str(result))
                meter.observe("incident_seconds", self._age_s(), ending=str(result))
            case _:
                pass

    def _age_s(self) -> float:
        return (self.clock.now() - self.opened_at).total_seconds()


def metered_run(run: Run, argument: JsonObject, meter: Meter, clock: Clock) -> Run:
    """The run of that argument, metered."""
    opened_at = Tree(argument).text("incident", "opened_at")
    return MeteredRun(run, meter, clock, datetime.fromisoformat(opened_at))


async def metered_step(meter: Meter, verb: str, action: Callable[[], Awaitable[T]]) -> T:
    """What the action gives; its time, and the kind of its error, told to the meter.

    A step that is cut off because its process ends is neither: it runs again elsewhere.
    """
    # A step that nobody put into the table is measured all the same: a figure must never stop the work.
    stage = STAGES.get(verb, "other")
    began = perf_counter()
    failure = "StepBroke"
    try:
        result = await action()
        failure = ""
    except KubernautError as error:
        failure = type(error).__name__
        raise
    except asyncio.CancelledError:
        failure = ""
        raise
    finally:
        meter.observe("step_seconds", perf_counter() - began, stage=stage, step=verb)
        if failure:
            meter.count("step_errors", stage=stage, step=verb, error=failure)
    return result


def begin_at_zero(meter: Meter) -> None:
    """Makes the series of what should never happen, since Prometheus sees no increase in one that begins at 1."""
    for step, stage in STAGES.items():
        meter.count("step_errors", 0, stage=stage, step=step, error="StepBroke")
    for ending in Ending:
        meter.count("incidents_closed", 0, ending=ending.value)
    for by in ("kubernaut", "person"):
        for applied in Applied:
            meter.count("undos", 0, by=by, result=applied.value)
    for result in ("sent", "failed"):
        meter.count("notifications", 0, result=result)
