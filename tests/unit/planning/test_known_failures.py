"""What automation of this kind got wrong elsewhere, and may not get wrong here."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.domain.errors import StoreUnavailable
from kubernaut.domain.execution import Effect
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.plans import Decision
from tests.planning_desk import RESTART, PlanningDesk, told
from tests.told import NOON, a_diagnosis

SURE = "rules: [{name: unsure, when: 'confidence < 0.5', then: ask}]\n"


async def test_a_resolved_alert_leads_to_no_action() -> None:
    desk = PlanningDesk()
    teller = await desk.open()
    await teller.resolve()
    plan = await desk.plan(teller)
    assert (plan.decision, plan.ending) == (Decision.CLOSE, Ending.SELF_RESOLVED)


async def test_a_consent_that_comes_after_the_alert_was_resolved_leads_to_no_action() -> None:
    desk = PlanningDesk(autonomy="approve")
    teller = await desk.open()
    plan = await desk.ask(teller, await desk.plan(teller))
    await teller.resolve()
    answered = await desk.hear(teller, plan, {"approved": True, "by": "anna"})
    assert (answered.decision, answered.ending) == (Decision.CLOSE, Ending.SELF_RESOLVED)


async def test_a_fix_that_was_just_rejected_is_neither_applied_nor_asked_for_again() -> None:
    desk = PlanningDesk(autonomy="approve")
    first = await desk.open()
    plan = await desk.ask(first, await desk.plan(first))
    await desk.hear(first, plan, {"approved": False, "by": "anna", "reason": "we are on it"})
    await desk.clock.advance(timedelta(minutes=20))
    again = await desk.plan()
    assert (told(again), again.ending) == ((Decision.CLOSE, "rejected"), Ending.DECLINED)
    assert "anna" in again.reason
    assert "we are on it" in again.reason


async def test_a_rejection_holds_for_an_hour() -> None:
    desk = PlanningDesk(autonomy="approve")
    first = await desk.open()
    plan = await desk.ask(first, await desk.plan(first))
    await desk.hear(first, plan, {"approved": False, "by": "anna"})
    await desk.clock.advance(timedelta(minutes=61))
    assert (await desk.plan()).decision is Decision.ASK


async def test_a_new_fault_is_not_muted_since_an_old_one_on_the_same_object_was_declined() -> None:
    desk = PlanningDesk(autonomy="approve")
    first = await desk.open()
    plan = await desk.ask(first, await desk.plan(first))
    await desk.hear(first, plan, {"approved": False, "by": "anna"})
    other = await desk.open("KubeContainerWaiting", cause="image_not_found")
    assert (await desk.plan(other)).decision is Decision.ASK


async def test_a_second_remedy_waits_while_the_alert_still_looks_back_on_the_first() -> None:
    desk = PlanningDesk(look_back=timedelta(minutes=5))
    await desk.did(Effect.HEALED, at=NOON - timedelta(minutes=3), call=RESTART)
    assert told(await desk.plan()) == (Decision.WAIT, "post_success_hold")


async def test_after_the_look_back_the_fault_is_mended_again() -> None:
    desk = PlanningDesk(look_back=timedelta(minutes=5))
    await desk.did(Effect.HEALED, at=NOON - timedelta(minutes=6), call=RESTART)
    assert (await desk.plan()).decision is Decision.ACT


async def test_another_fault_of_the_same_object_does_not_wait_for_the_look_back() -> None:
    desk = PlanningDesk(look_back=timedelta(minutes=5))
    await desk.did(Effect.HEALED, at=NOON - timedelta(minutes=3), call=RESTART)
    other = await desk.open("KubeContainerWaiting", cause="image_not_found")
    assert (await desk.plan(other)).decision is Decision.ACT


@settings(deadline=None, max_examples=25)
@given(words=st.text(max_size=60))
async def test_what_a_model_writes_changes_no_decision(words: str) -> None:
    desk = PlanningDesk(SURE)
    plain = a_diagnosis()
    best = replace(plain.hypotheses[0], summary=words, by_hand=(words,))
    facts = tuple(replace(fact, text=words) for fact in plain.evidence)
    written = replace(plain, hypotheses=(best, *plain.hypotheses[1:]), evidence=facts)
    teller = await desk.open()
    rulings = []
    for look, diagnosis in enumerate((plain, written)):
        plan = await desk.planning.plan(await desk.incident(teller), diagnosis, look=look, tried=())
        assert told(plan) == (Decision.ACT, "allowed")
        (*_, event) = await desk.store.events(teller.id, kinds=(EventKind.PLANNED,))
        rulings.append(event.body["ruling"])
    assert rulings[0] == rulings[1]


@pytest.mark.parametrize("severity", ["none", "info", "warning", "critical", "sev0"])
async def test_no_severity_lifts_a_guard(severity: str) -> None:
    desk = PlanningDesk(autonomy="suggest")
    teller = await desk.open()
    incident = replace(await desk.incident(teller), severity=severity)
    plan = await desk.planning.plan(incident, a_diagnosis(), look=1, tried=())
    assert told(plan) == (Decision.CLOSE, "autonomy_suggest")


async def test_a_plan_that_could_not_be_stored_is_no_plan() -> None:
    desk = PlanningDesk()
    teller = await desk.open()

    async def full(*_: object, **__: object) -> None:
        raise StoreUnavailable("disk full")

    desk.store.append = full  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        await desk.plan(teller)
