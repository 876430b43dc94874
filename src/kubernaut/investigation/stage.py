"""The stage: reads, asks the rules, recalls what is alike and asks a model where these are unsure, and stores it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.errors import ModelError, ModelReplySuspicious
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.model_calls import ModelFailure
from kubernaut.domain.objects import JsonObject, ObjectRef
from kubernaut.engine.codec import dump
from kubernaut.investigation.causes import catalogue
from kubernaut.investigation.diagnosing import diagnose
from kubernaut.investigation.further_reading import FurtherReading, looks_body
from kubernaut.investigation.gathering import Budget
from kubernaut.investigation.inquiry import first_look, gather_and_examine
from kubernaut.investigation.repeats import decide_by_memory
from kubernaut.investigation.second_opinion import Choices, Considered, accepted_citations, consider, is_unsure
from kubernaut.ports import Analyst, Clock, ClusterReader, IncidentStore, Meter, Metrics, Opinion

# In a burst the first incidents are decided while the last ones wait, instead of all of them at the end; and memory
# holds that many scenes. Waiting for a model takes no place.
_SCENES_AT_ONCE = 8

# What the memory says of an incident; None where it is no repeat.
Recall = Callable[[Incident, Diagnosis], Awaitable[Opinion | None]]


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """A model, what its actions mean, and the confidence below which it is asked."""

    analyst: Analyst
    meanings: Mapping[str, str]
    ask_below: float


@dataclass(frozen=True, slots=True)
class InvestigationStage:
    """The stage with its ports."""

    reader: ClusterReader
    incidents: IncidentStore
    clock: Clock
    meter: Meter
    recall: Recall
    second: SecondOpinion | None = None
    metrics: Metrics | None = None
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_SCENES_AT_ONCE))

    async def investigate(self, incident: Incident, *, look: int) -> Diagnosis:
        """The diagnosis, stored. Raises a `ClusterError` where the cluster cannot be read: that is no finding."""
        started = self.clock.now()
        # Only around reading and rules; a model is waited for outside, so that slow answers hold up no other incident.
        async with self.places:
            diagnosis, left = await self._examined(incident.target)
        # Where the rules are sure, nobody waits for the memory: it is asked when the incident is over.
        if is_unsure(diagnosis, below=self.second.ask_below if self.second else 0.0):
            # The memory answers in milliseconds, and what it knows from verified incidents needs no model.
            remembered = await self.recall(incident, diagnosis)
            if remembered is not None:
                diagnosis = decide_by_memory(diagnosis, remembered)
            else:
                diagnosis = await self._consult(incident, diagnosis, look, left)
        took = (self.clock.now() - started).total_seconds()
        self.meter.observe("investigation_seconds", took)
        found: JsonObject = {"diagnosis": dump(diagnosis), "took_s": took}
        await self._store(incident, f"diagnosed-{look}", EventKind.DIAGNOSED, found, phase=Phase.PLANNING)
        return diagnosis

    async def _examined(self, target: ObjectRef) -> tuple[Diagnosis, Budget]:
        """What the rules find, and what they leave of the budget; the scene is gone when a model is waited for."""
        first, examine = first_look([target]), partial(diagnose, target=target)
        gathering, diagnosis = await gather_and_examine(self.reader, self.clock, first, examine, metrics=self.metrics)
        return diagnosis, gathering.left

    async def _consult(self, incident: Incident, diagnosis: Diagnosis, look: int, left: Budget) -> Diagnosis:
        second = self.second
        if second is None:
            return diagnosis
        choices = Choices.of(diagnosis, {cause.id: cause.title for cause in catalogue()}, second.meanings)
        started = self.clock.now()
        reading = FurtherReading(self.reader, self.clock, self.metrics, diagnosis, left)
        considered = await consider(
            incident.id, diagnosis, choices, second.analyst, below=second.ask_below, lookups=reading
        )
        failure = considered.failure
        self.meter.count("model_questions", outcome=_outcome(considered))
        for one in reading.done:
            self.meter.count("model_lookups", tool=one.tool if one.is_known else "unknown", outcome=one.outcome)
        if isinstance(failure, ModelReplySuspicious):
            self.meter.count("model_replies_suspicious")
        # Where no provider is declared nobody was asked.
        if considered.opinion is not None or (failure is not None and not _nobody_to_ask(failure)):
            took = (self.clock.now() - started).total_seconds()
            asked = _asked(considered, diagnosis, took, reading)
            await self._store(incident, f"asked-model-{look}", EventKind.MODEL_ASKED, asked)
        return considered.diagnosis

    async def _store(
        self, incident: Incident, key: str, kind: EventKind, body: JsonObject, *, phase: Phase | None = None
    ) -> None:
        await self.incidents.append(Event(incident.id, key, kind, self.clock.now(), body), phase=phase)


def _nobody_to_ask(failure: ModelError) -> bool:
    return failure.failure is ModelFailure.NOT_CONFIGURED and not failure.calls


def _outcome(considered: Considered) -> str:
    if considered.opinion is not None:
        return "kept" if considered.opinion.kept else "answered"
    return considered.failure.failure.value if considered.failure else "not asked"


def _asked(considered: Considered, before: Diagnosis, took_s: float, reading: FurtherReading) -> JsonObject:
    opinion, failure = considered.opinion, considered.failure
    calls = opinion.calls if opinion else failure.calls if failure else ()
    return {
        "ok": opinion is not None,
        "kept": opinion is not None and opinion.kept,
        "suspicious": isinstance(failure, ModelReplySuspicious),
        "provider": opinion.provider if opinion else "",
        "cause": opinion.cause if opinion else "",
        "cited": len(opinion.evidence) if opinion else 0,
        "accepted": accepted_citations(before, opinion) if opinion else 0,
        "tokens": sum(call.tokens for call in calls),
        "requests": sum(call.requests for call in calls),
        "usd": sum(call.usd for call in calls),
        "lookups": sum(call.lookups for call in calls),
        "calls": dump(calls),
        "looks": looks_body(reading.done),
        "took_s": took_s,
        "error": f"{failure.code}: {failure}" if failure else "",
    }
