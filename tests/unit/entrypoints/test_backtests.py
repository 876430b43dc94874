"""Stored incidents decided upon again: what differs, what is not known, and that nothing is written."""

from __future__ import annotations

from datetime import timedelta

from kubernaut.domain.execution import Effect
from kubernaut.domain.journal import Event, EventKind
from kubernaut.entrypoints.backtests import Backtest, healed_and_left, run_backtest
from kubernaut.impact.period import Period
from kubernaut.planning.guards import Autonomy
from kubernaut.planning.policy.reading import read_policy
from kubernaut.planning.policy.ruling import BUILT_IN, Policy
from kubernaut.planning.replaying import What
from tests.planning_desk import PlanningDesk
from tests.told import NOON, Teller

MONTH = Period(NOON - timedelta(days=1), NOON + timedelta(days=29))


def law(text: str) -> Policy:
    return read_policy(f"version: 1\n{text}\n", source="other.yaml")


async def a_day(desk: PlanningDesk, incidents: int, *, every: timedelta = timedelta(minutes=20)) -> list[Teller]:
    """Incidents of one object, each planned and healed."""
    tellers = []
    for _ in range(incidents):
        teller = await desk.open(alert=f"Alert{len(tellers)}")
        await desk.plan(teller)
        await teller.verify(Effect.HEALED)
        tellers.append(teller)
        await desk.clock.advance(every)
    return tellers


async def run_again(desk: PlanningDesk, policy: Policy, autonomy: Autonomy | None = None) -> Backtest:
    return await run_backtest(desk.store, MONTH, What(policy, autonomy))


async def test_the_policy_in_force_changes_nothing() -> None:
    desk = PlanningDesk()
    await a_day(desk, 3)
    found = await run_again(desk, BUILT_IN)
    assert (found.incidents, found.decisions, found.same, found.differing) == (3, 3, 3, ())


async def test_an_incident_that_would_have_gone_another_way_is_told_with_the_rule_and_how_it_ended() -> None:
    desk = PlanningDesk()
    [teller] = await a_day(desk, 1)
    found = await run_again(desk, law('rules: [{name: careful, when: "true", then: ask, reason: look first}]'))
    [one] = found.differing
    assert (one.incident, one.target) == (teller.id, "shop/deployment/checkout")
    assert (str(one.old), str(one.new)) == ("act rollback_deployment", "ask rollback_deployment")
    assert (one.new.rule, one.new.reason, one.effect) == ("careful", "look first", "healed")
    assert found.changes == (("act rollback_deployment", "ask rollback_deployment", 1),)
    assert healed_and_left(found.differing) == 1


async def test_budgets_are_spent_by_the_decisions_of_the_replay_and_not_by_those_of_then() -> None:
    desk = PlanningDesk()
    await a_day(desk, 3)
    found = await run_again(desk, law("budgets: [{name: slow, actions_per_hour: 1, then: deny}]"))
    assert [one.new.guard for one in found.differing] == ["budget", "budget"]
    assert found.same == 1


async def test_what_came_before_the_period_spends_its_budgets_and_is_not_reported() -> None:
    desk = PlanningDesk()
    await a_day(desk, 2)
    later = Period(NOON + timedelta(minutes=10), NOON + timedelta(days=1))
    policy = law("budgets: [{name: slow, actions_per_hour: 1, then: deny}]")
    found = await run_backtest(desk.store, later, What(policy))
    assert (found.decisions, len(found.differing)) == (1, 1)


async def test_after_the_first_other_decision_nothing_more_is_told_of_an_incident() -> None:
    desk = PlanningDesk()
    [teller] = await a_day(desk, 1)
    incident = await desk.incident(teller)
    [diagnosed] = await desk.store.events(teller.id, kinds=(EventKind.DIAGNOSED,))
    again = Event(teller.id, "planned-2", EventKind.PLANNED, desk.clock.now(), diagnosed.body)
    [planned] = await desk.store.events(teller.id, kinds=(EventKind.PLANNED,))
    await desk.store.append(Event(incident.id, again.key, again.kind, again.at, planned.body))
    found = await run_again(desk, law('rules: [{name: careful, when: "true", then: ask}]'))
    assert (found.decisions, len(found.differing)) == (1, 1)


async def test_a_decision_that_cannot_be_read_is_counted_as_not_known() -> None:
    desk = PlanningDesk()
    [teller] = await a_day(desk, 1)
    await desk.store.append(
        Event(teller.id, "planned-2", EventKind.PLANNED, desk.clock.now(), {"plan": {"guard": "x"}})
    )
    found = await run_again(desk, BUILT_IN)
    assert (found.same, len(found.unknown)) == (1, 1)
    assert found.reasons[0][1] == 1


async def test_shadow_mode_is_tried_as_if_it_had_been_allowed_to_act() -> None:
    desk = PlanningDesk(shadow=True)
    await a_day(desk, 1)
    found = await run_again(desk, BUILT_IN, Autonomy.AUTO)
    assert found.changes == (("propose rollback_deployment", "act rollback_deployment", 1),)


async def test_a_backtest_writes_nothing() -> None:
    desk = PlanningDesk()
    await a_day(desk, 2)
    before = await desk.store.events()
    await run_again(desk, law('rules: [{name: never, when: "true", then: deny}]'))
    assert await desk.store.events() == before
