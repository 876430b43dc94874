"""Hours may lie between a decision and its write: what changed meanwhile still counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from kubernaut.adapters.memory.engine import MemoryEngine, Moment
from kubernaut.domain.diagnosis import ActionCall, ActionId
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import ObjectRef, Tree
from kubernaut.domain.plans import Candidate, Conclusion, Decision, Plan, lease_name
from kubernaut.engine.codec import dump
from kubernaut.healing.deciding import DECISION
from kubernaut.pipeline import beginning
from kubernaut.ports import Suspension
from tests import objects
from tests.misrouted_shop import SERVICE, MisroutedShop

Meanwhile = Callable[[MisroutedShop], Awaitable[None]]
WRONG = {"app": "cart", "tier": "wbe"}
PLACE = ObjectRef("v1", "Namespace", "", "shop")


async def suspended(shop: MisroutedShop) -> None:
    await shop.switch.suspend(Suspension("ada", "an upgrade", shop.clock.now()))


async def unlabelled(shop: MisroutedShop) -> None:
    shop.cluster.put(dict(objects.namespace(labels={"kubernaut.ai/autonomy": "auto"}).raw))


async def paused(shop: MisroutedShop) -> None:
    raw = shop.cluster.raw(SERVICE)
    raw["metadata"]["annotations"] = {"kubernaut.ai/pause": "we look at it"}  # type: ignore[call-overload,index]
    shop.cluster.put(raw)


async def resolved(shop: MisroutedShop) -> None:
    await shop.recover()


async def taken(shop: MisroutedShop) -> None:
    await shop.clock.sleep(timedelta(hours=1))
    assert await shop.leases.acquire(lease_name(SERVICE), "inc-other", duration=timedelta(hours=9))


async def late(shop: MisroutedShop, step: str, moment: Moment, meanwhile: Meanwhile) -> Incident:
    """The incident's end, where the process died at that step and that happened before the next one began."""
    opened = await shop.open_incident()
    async with MemoryEngine(shop.workflow, shop.clock) as engine:
        engine.crash_at(step, moment)
        await engine.start(opened.id, beginning(opened))
        await engine.crashed.wait()
        await meanwhile(shop)
        await engine.recover()
        await engine.outcome(opened.id)
    ended = await shop.incidents.get(opened.id)
    assert ended is not None
    return ended


@pytest.mark.parametrize(
    ("meanwhile", "ending", "guard"),
    [
        (suspended, Ending.BLOCKED, "suspended"),
        (unlabelled, Ending.DECLINED, "unmanaged"),
        (paused, Ending.BLOCKED, "paused"),
        (resolved, Ending.SELF_RESOLVED, "resolved"),
    ],
)
@pytest.mark.parametrize("step", ["plan-1", "intend-1"])
async def test_what_was_decided_and_not_begun_before_a_crash_is_not_begun_against_a_guard(
    step: str, meanwhile: Meanwhile, ending: Ending, guard: str
) -> None:
    shop = MisroutedShop()

    ended = await late(shop, step, Moment.AFTER, meanwhile)

    assert not shop.written
    assert (ended.ending, ended.guard) == (ending, guard), ended.reason


@pytest.mark.parametrize("step", ["plan-1", "intend-1"])
async def test_an_object_that_another_incident_took_during_an_outage_is_left_to_it(step: str) -> None:
    shop = MisroutedShop()

    ended = await late(shop, step, Moment.AFTER, taken)

    assert not shop.written
    refused = await shop.incidents.events(ended.id, kinds=(EventKind.REFUSED,))
    assert "another incident is acting on shop/service/cart" in Tree(refused[-1].body).text("execution", "reason")


@pytest.mark.parametrize("meanwhile", [suspended, unlabelled, paused])
async def test_what_was_begun_before_a_suspension_is_watched_and_taken_back(
    meanwhile: Meanwhile,
) -> None:
    shop = MisroutedShop(answers=False)

    await late(shop, "apply-1", Moment.UNSTORED, meanwhile)

    assert len(shop.written) == 2
    assert shop.selector() == WRONG


async def put_back(shop: MisroutedShop) -> None:
    raw = shop.cluster.raw(SERVICE)
    raw["spec"]["selector"] = dict(WRONG)  # type: ignore[call-overload,index]
    shop.cluster.put(raw)


async def test_a_change_that_its_owner_put_back_during_a_crash_is_not_made_again() -> None:
    shop = MisroutedShop(answers=False)

    ended = await late(shop, "apply-1", Moment.UNSTORED, put_back)

    assert len(shop.written) == 1
    told = [event.kind for event in await shop.incidents.events(ended.id)]
    assert told.count(EventKind.APPLIED) == 1


async def wanted_after_all(shop: MisroutedShop) -> None:
    raw = shop.cluster.raw(SERVICE)
    raw["spec"]["selector"] = {"app": "cart", "tier": "web"}  # type: ignore[call-overload,index]
    shop.cluster.put(raw)


async def test_what_a_person_set_after_the_undo_is_not_undone_by_its_repetition() -> None:
    shop = MisroutedShop(answers=False)

    await late(shop, "undo-1", Moment.UNSTORED, wanted_after_all)

    assert len(shop.written) == 2
    assert shop.selector() == {"app": "cart", "tier": "web"}


async def edited(shop: MisroutedShop) -> None:
    raw = shop.cluster.raw(SERVICE)
    raw["spec"]["selector"] = {"app": "cart", "tier": "canary"}  # type: ignore[call-overload,index]
    shop.cluster.put(raw)


async def made_anew(shop: MisroutedShop) -> None:
    raw = shop.cluster.raw(SERVICE)
    shop.cluster.remove(SERVICE)
    raw["metadata"]["uid"] = "another"  # type: ignore[call-overload,index]
    shop.cluster.put(raw)


async def untouched(shop: MisroutedShop) -> None:
    shop.cluster.put(shop.cluster.raw(SERVICE))


@pytest.mark.parametrize(("meanwhile", "writes"), [(edited, 0), (made_anew, 0), (untouched, 1)])
async def test_consent_is_to_the_change_that_was_shown_and_not_to_another_one_of_that_name(
    meanwhile: Meanwhile, writes: int
) -> None:
    shop = MisroutedShop(autonomy="approve")
    opened = await shop.open_incident()
    async with MemoryEngine(shop.workflow, shop.clock) as engine:
        engine.crash_at("ask-1", Moment.AFTER)
        await engine.start(opened.id, beginning(opened))
        await engine.crashed.wait()
        await meanwhile(shop)
        await engine.send(opened.id, DECISION, {"approved": True, "by": "ada"})
        await engine.recover()
        await engine.outcome(opened.id)

    assert len(shop.written) == writes
    refused = await shop.incidents.events(opened.id, kinds=(EventKind.REFUSED,))
    assert [Tree(each.body).text("guard") for each in refused] == ["changed_since_consent"] * (1 - writes)


async def test_what_a_person_chose_instead_of_the_proposal_is_given_back_at_the_end() -> None:
    shop = MisroutedShop()
    incident = await shop.open_incident()
    other = ActionCall(ActionId("restart_workload"), ObjectRef("apps/v1", "Deployment", "shop", "cart"), {})
    plan = Plan(Decision.ACT, "chosen by ada", "approved", chosen=Candidate(other, 0, 0, 0.0))
    told = Event(incident.id, "answered-1", EventKind.APPROVED, objects.NOW, {"plan": dump(plan)})
    await shop.incidents.append(told)
    assert await shop.leases.acquire(lease_name(other.target), incident.id, duration=timedelta(hours=1))

    await shop.stages.execution.close(incident, Conclusion(Ending.FAILED, "a defect"))

    assert await shop.leases.acquire(lease_name(other.target), "inc-other", duration=timedelta(hours=1))


async def test_what_was_told_to_be_done_before_a_crash_is_what_is_done_after_it() -> None:
    shop = MisroutedShop()
    opened = await shop.open_incident()
    async with MemoryEngine(shop.workflow, shop.clock) as engine:
        engine.crash_at("intend-1", Moment.UNSTORED)
        await engine.start(opened.id, beginning(opened))
        await engine.crashed.wait()
        await shop.clock.sleep(timedelta(minutes=1))
        shop.cluster.put(shop.cluster.raw(SERVICE))
        await engine.recover()
        await engine.outcome(opened.id)
        kept = dict(engine.entries(opened.id))["intend-1"]

    (told,) = await shop.incidents.events(opened.id, kinds=(EventKind.INTENDED,))
    assert Tree({"entry": kept}).at("entry", "value", "intent") == told.body["intent"]
    assert len(shop.written) == 1
