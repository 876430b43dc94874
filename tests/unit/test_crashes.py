"""The way of an incident with a crash at every boundary of every step, on the memory engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kubernaut.adapters.embeddings.hashed import HashedEmbedder
from kubernaut.adapters.memory.analyst import ScriptedAnalyst
from kubernaut.adapters.memory.engine import MemoryEngine, Moment
from kubernaut.domain.evidence import EvidenceId
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import EventKind
from kubernaut.domain.model_calls import ModelCall
from kubernaut.domain.objects import JsonObject
from kubernaut.domain.plans import lease_name
from kubernaut.engine.codec import dump
from kubernaut.engine.run import RunState
from kubernaut.impact.recomputing import accuracy
from kubernaut.investigation.stage import SecondOpinion
from kubernaut.ports import Opinion
from tests.journeys import WAYS, Journey, Way, go
from tests.misrouted_shop import SERVICE


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    return WAYS[request.param]


async def told(journey: Journey) -> list[EventKind]:
    return [event.kind for event in await journey.shop.incidents.events(journey.incident.id)]


async def check(journey: Journey, way: Way, undisturbed: Journey) -> None:
    shop, incident = journey.shop, journey.incident
    assert incident.ending == way.ending, incident.reason
    assert len(shop.written) == way.writes
    assert shop.selector() == undisturbed.shop.selector()
    assert journey.steps == undisturbed.steps
    assert await told(journey) == await told(undisturbed)
    assert await shop.leases.acquire(lease_name(SERVICE), "another incident", duration=timedelta(seconds=1))
    assert await shop.patterns.nearest(await probe(), embedder=HashedEmbedder.name)


async def probe() -> list[float]:
    return (await HashedEmbedder().embed(["anything"]))[0]


async def test_a_crash_at_any_boundary_changes_nothing_about_the_way(way: Way) -> None:
    undisturbed = await go(way)
    assert undisturbed.incident.ending == way.ending, undisturbed.incident.reason
    for step in undisturbed.steps:
        for moment in Moment:
            journey = await go(way, (step, moment))
            assert journey.begun == 2, f"{step} never came to {moment}"
            await check(journey, way, undisturbed)


async def test_a_crash_at_every_boundary_in_turn_changes_nothing_about_the_way(way: Way) -> None:
    undisturbed = await go(way)
    for moment in Moment:
        journey = await go(way, *[(step, moment) for step in undisturbed.steps])
        assert journey.begun == len(undisturbed.steps) + 1
        await check(journey, way, undisturbed)


def a_model() -> SecondOpinion:
    """One that is asked about everything, agrees, and took a failed provider and some lookups to do so."""
    calls = (
        ModelCall("first", "hang", requests=1, tokens=7),
        ModelCall("next", requests=3, tokens=900, usd=0.1, lookups=2),
    )
    said = Opinion("service_selector_mismatch", "", 0.9, (EvidenceId("e1"),), "It selects nothing.", "next", calls)
    return SecondOpinion(ScriptedAnalyst([said] * 20), {}, ask_below=1.0)


async def test_the_figures_of_the_analysis_are_those_of_the_events_whatever_crash_came_between(way: Way) -> None:
    undisturbed = await go(way, second=a_model())
    events = list(await undisturbed.shop.incidents.events(undisturbed.incident.id))
    for moment in Moment:
        journey = await go(way, *[(step, moment) for step in undisturbed.steps], second=a_model())
        told = await journey.shop.incidents.events(journey.incident.id)
        events += [replace(event, incident=IncidentId(moment)) for event in told]

    found = accuracy(events)
    questions = sum(event.kind is EventKind.MODEL_ASKED for event in events)
    assert questions == (1 + len(Moment)) * (2 if way.ending == "undone" else 1)
    assert (found.incidents, found.share) == (1 + len(Moment), 1)


@pytest.mark.parametrize("moment", Moment)
async def test_a_crash_in_an_undo_that_a_person_wants_takes_back_once(moment: Moment) -> None:
    journey = await go(WAYS["healing"])
    shop, incident = journey.shop, journey.incident
    argument: JsonObject = {"do": "undo", "incident": dump(incident), "by": "ada"}
    async with MemoryEngine(shop.workflow, shop.clock) as engine:
        engine.crash_at("undo", moment)
        await engine.start("undo-1", argument)
        await engine.recover()
        assert (await engine.outcome("undo-1")).state is RunState.DONE
    assert len(shop.written) == 2
    assert shop.selector() == {"app": "cart", "tier": "wbe"}
    assert (await told(journey)).count(EventKind.UNDONE) == 1
