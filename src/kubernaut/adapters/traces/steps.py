"""A run whose steps and waits are spans of its incident's trace.

A step that is replayed from its journal was a span of the process that executed it, and makes none here: the ids of
the trace and of its incident are made from the incident's id, so that a restart and another replica go on in the same
trace without having to store anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from typing_extensions import TypeForm

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.errors import KubernautError
from kubernaut.domain.execution import Execution
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.domain.plans import Plan
from kubernaut.domain.signals import Signal
from kubernaut.engine.run import Run
from kubernaut.ports import Admission, Clock, Place, Span, Tracer

T = TypeVar("T")

_Facts = dict[str, str | int | float]
# A replayed wait is over at once; it was a span of whoever waited.
_A_WAIT = timedelta(milliseconds=5)


@dataclass
class TracedRun(Run):
    """A run of the incident that was opened then. `known` is what its end tells again."""

    run: Run
    tracer: Tracer
    clock: Clock
    opened_at: datetime
    known: _Facts = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id it was started with."""
        return self.run.id

    async def step(self, name: str, action: Callable[[], Awaitable[T]], returns: TypeForm[T]) -> T:
        """The action's result; each try is a span when it is executed."""
        executed = False

        async def traced() -> T:
            nonlocal executed
            executed = True
            return await self._spanned(name, action)

        result = await self.run.step(name, traced, returns)
        self.known |= _told(result)
        if name == "close" and executed:
            facts = {**self.known, "kubernaut.ending": str(result)}
            self._record(Place.INCIDENT, "incident", self.opened_at, facts, "")
        return result

    async def sleep(self, duration: timedelta) -> None:
        """Waits durably."""
        began = self.clock.now()
        await self.run.sleep(duration)
        self._waited("wait", began)

    async def receive(self, topic: str, timeout: timedelta) -> Json | None:  # noqa: ASYNC109  # durable
        """The next message of the topic, None after the time-out."""
        began = self.clock.now()
        message = await self.run.receive(topic, timeout)
        self._waited(f"wait for {topic}", began)
        return message

    async def _spanned(self, name: str, action: Callable[[], Awaitable[T]]) -> T:
        began, error = self.clock.now(), "StepBroke"
        facts: _Facts = {"kubernaut.step": name}
        try:
            result = await action()
            error, facts = "", facts | _told(result)
        except KubernautError as failure:
            error = type(failure).__name__
            raise
        except asyncio.CancelledError:
            error = "cut off"
            raise
        finally:
            self._record(Place.BELOW_INCIDENT, name.partition("-")[0], began, facts, error)
        return result

    def _waited(self, name: str, began: datetime) -> None:
        if self.clock.now() - began >= _A_WAIT:
            self._record(Place.BELOW_INCIDENT, name, began, {}, "")

    def _record(self, place: Place, name: str, began: datetime, facts: _Facts, error: str) -> None:
        self.tracer.record(Span(IncidentId(self.id), place, name, began, self.clock.now(), facts, error))


def traced_run(run: Run, argument: JsonObject, tracer: Tracer, clock: Clock) -> Run:
    """The run of that argument, traced."""
    return TracedRun(run, tracer, clock, datetime.fromisoformat(Tree(argument).text("incident", "opened_at")))


def trace_admission(tracer: Tracer, signal: Signal, admission: Admission, began: datetime, ended: datetime) -> None:
    """The alert's part of the way: from the webhook through the inbox and triage; it is where a trace begins."""
    incident = admission.incident.id
    facts: _Facts = {"kubernaut.signal": signal.id, "kubernaut.source": signal.source}
    if admission.opened:
        tracer.record(Span(incident, Place.ALERT, "alert", signal.received_at, ended, facts))
    else:
        tracer.record(Span(incident, Place.BELOW_ALERT, "alert joins", signal.received_at, ended, facts))
    tracer.record(Span(incident, Place.BELOW_ALERT, "inbox", signal.received_at, began, facts))
    tracer.record(Span(incident, Place.BELOW_ALERT, "triage", began, ended, facts))


def _told(result: object) -> _Facts:
    """What a result says in words of our own."""
    match result:
        case Diagnosis(best=best) if best is not None:
            return {"kubernaut.cause": str(best.cause), "kubernaut.confidence": round(best.confidence, 3)}
        case Plan(decision=decision, guard=guard, chosen=chosen):
            action = {"kubernaut.action": str(chosen.call.action)} if chosen is not None else {}
            return {"kubernaut.decision": decision.value, "kubernaut.guard": guard, **action}
        case Execution(applied=applied):
            return {"kubernaut.applied": applied.value}
        case _:
            return {}
