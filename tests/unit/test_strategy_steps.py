"""An incident whose remedy has several steps, on the memory engine, with crashes where they hurt."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from kubernaut.adapters.memory.engine import MemoryEngine, Moment
from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import EventKind
from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.engine import Run
from kubernaut.engine.codec import dump
from kubernaut.execution.catalogue import Action, NoParameters, Prepared, Risk, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.targets import find
from tests.misrouted_shop import SERVICE, MisroutedShop
from tests.strategies import a_strategy

WRONG, RIGHT = {"app": "cart", "tier": "wbe"}, {"app": "cart", "tier": "web"}
STEPS = """
{action: hold_clients, verify: {until: settled}}
{action: fix_service_selector, onFailure: ON_FAILURE}
"""


async def hold(on: Situation[NoParameters]) -> Prepared | Refused:
    service = await find(on)
    if isinstance(service, Refused):
        return service
    return Prepared(service, edit(service, setting(service, "ClientIP", "spec", "sessionAffinity")), "its clients")


HOLD = Action[NoParameters](
    id=ActionId("hold_clients"), summary="", targets=("Service",), parameters=NoParameters, when="", never="",
    before="", risk=Risk.LOW, undo="", reads=(), prepare=hold,
)  # fmt: skip


@dataclass
class Ended:
    shop: MisroutedShop
    incident: Incident

    def is_held(self) -> bool:
        return Tree(self.shop.cluster.raw(SERVICE)).text("spec", "sessionAffinity") == "ClientIP"

    async def bodies(self, kind: EventKind) -> list[Tree]:
        return [Tree(event.body) for event in await self.shop.incidents.events(self.incident.id, kinds=(kind,))]


async def go(steps: str, *crashes: tuple[str, Moment], answers: bool = False, autonomy: str = "auto") -> Ended:
    shop = MisroutedShop(
        answers, autonomy, strategies=a_strategy(steps, causes="service_selector_wrong"), further=(HOLD,)
    )
    opened = await shop.open_incident()
    argument: JsonObject = {"do": "heal", "incident": dump(opened)}

    async def workflow(run: Run, argument: JsonObject) -> Json:
        return await shop.workflow(run, argument)

    async with MemoryEngine(workflow, shop.clock) as engine:
        for step, moment in crashes:
            engine.crash_at(step, moment)
        await engine.start(opened.id, argument)
        for _ in crashes:
            await engine.recover()
        await engine.outcome(opened.id)
    ended = await shop.incidents.get(opened.id)
    assert ended is not None
    return Ended(shop, ended)


@pytest.mark.parametrize("on_failure", ["next", "undo"])
async def test_what_only_prepared_is_taken_back_where_the_last_step_does_not_help(on_failure: str) -> None:
    ended = await go(STEPS.replace("ON_FAILURE", on_failure))

    assert ended.incident.ending == "undone", ended.incident.reason
    assert (ended.shop.selector(), ended.is_held()) == (WRONG, False)
    effects = [body.text("verification", "effect") for body in await ended.bodies(EventKind.VERIFIED)]
    assert effects == ["prepared", "unchanged"]
    assert len(await ended.bodies(EventKind.UNDONE)) == 2


async def test_escalate_leaves_the_steps_before_as_they_are_and_says_so() -> None:
    ended = await go(STEPS.replace("ON_FAILURE", "escalate"))

    assert ended.incident.ending == "undone"
    assert (ended.shop.selector(), ended.is_held()) == (WRONG, True)
    assert "still in force: hold_clients" in (ended.incident.reason or "")


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("step", ["verify-1", "plan-2", "undo-2", "undo-1"])
async def test_a_crash_between_the_steps_changes_nothing_about_the_end(step: str, moment: Moment) -> None:
    ended = await go(STEPS.replace("ON_FAILURE", "undo"), (step, moment))

    assert ended.incident.ending == "undone", ended.incident.reason
    assert (ended.shop.selector(), ended.is_held()) == (WRONG, False)
    assert len(ended.shop.written) == 4


async def test_what_prepared_for_a_remedy_that_healed_stays() -> None:
    ended = await go(STEPS.replace("ON_FAILURE", "undo"), answers=True)

    assert ended.incident.ending == "healed", ended.incident.reason
    assert (ended.shop.selector(), ended.is_held()) == (RIGHT, True)


async def test_a_preparing_step_that_heals_ends_the_incident_as_healed() -> None:
    steps = "{action: fix_service_selector, verify: {until: settled}}\n{action: hold_clients}"
    ended = await go(steps, answers=True)

    assert ended.incident.ending == "healed", ended.incident.reason
    assert (ended.shop.selector(), ended.is_held()) == (RIGHT, False)


async def test_the_plan_and_the_verdict_name_the_strategy_and_its_step() -> None:
    ended = await go("{action: fix_service_selector}", answers=True)

    [planned] = await ended.bodies(EventKind.PLANNED)
    course = planned.tree("plan", "chosen", "course")
    assert (course.text("strategy"), course.integer("step"), course.integer("of")) == ("s", 1, 1)
    [verified] = await ended.bodies(EventKind.VERIFIED)
    assert (verified.text("strategy"), verified.text("action")) == ("s", "fix_service_selector")


async def test_a_scope_that_asks_asks_about_a_strategy_s_step_too() -> None:
    ended = await go("{action: fix_service_selector}", answers=True, autonomy="approve")

    assert ended.incident.ending == "escalated"
    assert ended.incident.reason == "nobody answered the request for consent in time"
    assert ended.shop.written == []


async def test_a_step_with_parameters_that_its_action_does_not_take_is_passed_over_and_said() -> None:
    ended = await go("{action: fix_service_selector, parameters: {selector: target.name + size(target.labels)}}")

    [planned, *_] = await ended.bodies(EventKind.PLANNED)
    assert planned.at("plan", "chosen", "course") is None
    [note] = [each for each in planned.trees("ruling", "considered") if each.text("guard") == "strategy"]
    assert note.text("action") == "strategy s"
    assert note.text("reason").startswith("step 1: ")
