"""What people order about an incident that asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.engine import MemoryEngine
from kubernaut.adapters.memory.switch import MemorySwitch
from kubernaut.domain.diagnosis import ActionCall
from kubernaut.domain.errors import InputError, OrderRefused
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.domain.plans import Decision, Plan
from kubernaut.engine import Run
from kubernaut.engine.codec import dump, load
from kubernaut.entrypoints.phrases import phrase
from kubernaut.entrypoints.story import tell
from kubernaut.execution.catalogue import discover
from kubernaut.orders import Consent, Orders
from tests.journeys import WAYS, go
from tests.told import NOON, Teller, a_healed_one, a_store, a_waiting_one


class Waiting:
    """An incident that asks, with a run that keeps the first answer it hears."""

    def __init__(self) -> None:
        self.heard: list[Json] = []
        self.store = a_store()
        self.engine = MemoryEngine(self._run, ManualClock(NOON, jumps=True))
        catalogue = discover()

        def check(call: ActionCall) -> object:
            return catalogue[call.action].check(call)

        self.orders = Orders(self.engine, self.store, MemorySwitch(), ManualClock(NOON), check)

    async def _run(self, run: Run, argument: JsonObject) -> Json:  # noqa: ARG002
        self.heard.append(await run.receive("decision", timedelta(hours=1)))
        return None

    async def answered(self, teller: Teller, consent: Consent) -> Json:
        async with self.engine as engine:
            await engine.start(teller.id, {})
            await self.orders.approve(teller.id, consent)
            await engine.outcome(teller.id)
        return self.heard[0]


async def test_consent_is_to_the_proposal_where_nothing_else_is_said() -> None:
    desk = Waiting()
    heard = await desk.answered(await a_waiting_one(desk.store), Consent("anna", "checked"))
    assert heard == {"approved": True, "by": "anna", "reason": "checked", "choice": 1}


@pytest.mark.parametrize("choice", [2, "restart_workload"])
async def test_an_option_is_chosen_by_its_number_or_by_its_action(choice: int | str) -> None:
    desk = Waiting()
    heard = await desk.answered(await a_waiting_one(desk.store), Consent("anna", choice=choice))
    assert isinstance(heard, dict)
    assert heard["choice"] == 2


@pytest.mark.parametrize("choice", [0, 3, -1, "delete_namespace", "2", True])
async def test_an_option_that_there_is_not_is_refused_with_those_that_there_are(choice: int | str) -> None:
    desk = Waiting()
    teller = await a_waiting_one(desk.store)
    with pytest.raises(OrderRefused, match="there is no option") as refused:
        await desk.orders.approve(teller.id, Consent("anna", choice=choice))
    assert refused.value.help == "the options are: 1 rollback_deployment, 2 restart_workload"


async def test_a_parameter_within_its_bounds_may_be_changed() -> None:
    desk = Waiting()
    heard = await desk.answered(await a_waiting_one(desk.store), Consent("anna", parameters={"revision": 5}))
    assert isinstance(heard, dict)
    assert heard["parameters"] == {"revision": 5}


@pytest.mark.parametrize("parameters", [{"revision": -1}, {"revision": "five"}, {"force": True}])
async def test_a_parameter_that_the_catalogue_does_not_take_is_refused_before_anything_is_sent(
    parameters: dict[str, int | str | bool],
) -> None:
    desk = Waiting()
    teller = await a_waiting_one(desk.store)
    with pytest.raises(InputError, match="rollback_deployment"):
        await desk.orders.approve(teller.id, Consent("anna", parameters=parameters))
    assert desk.heard == []


async def test_only_who_the_rule_names_may_approve() -> None:
    desk = Waiting()
    teller = replace(Teller(desk.store), number=3)
    await teller.receive()
    await teller.diagnose()
    plan = replace(teller.plan(Decision.ASK, "data hangs on it"), rule="stateful", approvers=("ben", "slack:U7"))
    body: JsonObject = {"plan": dump(plan), "preview": {}}
    await teller.add(EventKind.ASKED, body, Phase.APPROVAL)
    with pytest.raises(OrderRefused, match='anna may not approve this by rule "stateful"') as refused:
        await desk.orders.approve(teller.id, Consent("anna"))
    assert refused.value.help == "these may: ben, slack:U7"


async def test_of_two_who_answer_at_once_the_second_is_told_that_the_first_decides() -> None:
    desk = Waiting()
    teller = await a_waiting_one(desk.store)
    async with desk.engine as engine:
        await engine.start(teller.id, {})
        assert await desk.orders.approve(teller.id, Consent("anna")) == (
            "approved by anna: rollback_deployment is being applied"
        )
        for answer in (desk.orders.reject(teller.id, by="ben"), desk.orders.approve(teller.id, Consent("ben"))):
            with pytest.raises(OrderRefused, match="has its answer already") as refused:
                await answer
            assert refused.value.help == f"kubernaut incidents show {teller.id}"
        await engine.outcome(teller.id)
    assert [heard["by"] for heard in desk.heard if isinstance(heard, dict)] == ["anna"]


async def test_a_request_takes_no_answer_once_its_time_is_over_though_its_run_has_not_heard_of_it() -> None:
    desk = Waiting()
    teller = Teller(desk.store)
    await teller.receive()
    await teller.diagnose()
    plan = replace(teller.plan(Decision.ASK, "data hangs on it"), expires_at=NOON)
    await teller.add(EventKind.ASKED, {"plan": dump(plan), "preview": {}}, Phase.APPROVAL)
    with pytest.raises(OrderRefused, match="was open until 12:00Z"):
        await desk.orders.approve(teller.id, Consent("anna"))


async def test_what_asks_nothing_takes_no_answer() -> None:
    desk = Waiting()
    teller = await a_healed_one(desk.store)
    with pytest.raises(OrderRefused, match="does not wait for consent"):
        await desk.orders.approve(teller.id, Consent("anna"))
    with pytest.raises(OrderRefused, match="does not wait for consent"):
        await desk.orders.reject(teller.id, by="anna")


async def test_the_reason_given_to_an_undo_is_kept_and_told() -> None:
    journey = await go(WAYS["healing"])
    asked: JsonObject = {"do": "undo", "incident": dump(journey.incident), "by": "anna", "reason": "wrong selector"}
    async with MemoryEngine(journey.shop.workflow, journey.shop.clock) as engine:
        await engine.start("undo-1", asked)
        await engine.outcome("undo-1")
    (undone,) = await journey.shop.incidents.events(journey.incident.id, kinds=(EventKind.UNDONE,))
    assert undone.body["why"] == "wrong selector"
    assert phrase(undone).endswith("asked by anna: wrong selector")


async def test_a_question_shows_the_change_of_its_options_and_when_it_ends() -> None:
    journey = await go(WAYS["asking"])
    events = await journey.shop.incidents.events(journey.incident.id, kinds=(EventKind.ASKED, EventKind.APPROVED))
    asked, approved = events
    story = tell(journey.incident, [asked])
    assert load(Plan, asked.body["plan"]).expires_at == asked.at + timedelta(minutes=30)
    assert asked.body["previews"] == [asked.body["preview"]]
    assert story.plan is not None
    assert (approved.body["by"], journey.incident.guard) == ("ada", "approved")


async def test_a_message_that_asks_names_its_question_and_what_it_is_about() -> None:
    journey = await go(WAYS["asking"])
    first, last = journey.shop.notifier.sent
    assert (first.facts["outcome"], first.facts["question"]) == ("approval", "asked-1")
    assert (last.facts["outcome"], last.facts["namespace"], last.facts["severity"]) == ("healed", "shop", "critical")
