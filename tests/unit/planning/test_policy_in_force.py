"""Planning under a policy: each decision names its guard and its rule, keeps its inputs, and is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Effect
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Tree
from kubernaut.domain.plans import Decision
from kubernaut.ports import IncidentFilter
from tests.objects import node
from tests.planning_desk import RESTART, PlanningDesk, told
from tests.told import NOON, ROLLBACK, a_diagnosis

ASKING = "rules: [{name: asking, then: ask, reason: we want to know, approvers: [anna]}]\n"


def two_remedies() -> object:
    plain = a_diagnosis()
    best = replace(plain.hypotheses[0], remedies=(ROLLBACK, RESTART))
    return replace(plain, hypotheses=(best,))


async def test_an_allowed_remedy_is_applied_under_an_empty_policy() -> None:
    assert told(await PlanningDesk().plan()) == (Decision.ACT, "allowed")


async def test_a_rule_that_asks_names_itself_and_who_may_answer() -> None:
    plan = await PlanningDesk(ASKING).plan()
    assert (told(plan), plan.rule, plan.approvers) == ((Decision.ASK, "policy"), "asking", ("anna",))
    assert plan.reason == "we want to know"


async def test_a_denied_remedy_gives_way_to_the_next_one() -> None:
    desk = PlanningDesk("rules: [{name: no-rollback, when: 'action.id == \"rollback_deployment\"', then: deny}]\n")
    plan = await desk.plan(diagnosis=two_remedies())  # type: ignore[arg-type]
    assert plan.decision is Decision.ACT
    assert plan.chosen is not None
    assert plan.chosen.call == RESTART


async def test_where_every_remedy_is_denied_people_are_told_by_which_rule() -> None:
    plan = await PlanningDesk("rules: [{name: never, then: deny}]\n").plan()
    assert (told(plan), plan.rule, plan.ending) == ((Decision.CLOSE, "policy"), "never", Ending.ESCALATED)
    assert 'by rule "never"' in plan.reason


async def test_a_policy_that_cannot_be_used_does_nothing_and_says_where_it_is_wrong() -> None:
    plan = await PlanningDesk("rules:\n  - {name: r, then: maybe}\n").plan()
    assert (told(plan), plan.ending) == ((Decision.CLOSE, "policy_broken"), Ending.BLOCKED)
    assert "p.yaml line 2, rules[0].then" in plan.reason
    assert plan.help == "kubernaut policy lint p.yaml"


async def test_a_policy_that_was_mended_is_in_force_at_once() -> None:
    desk = PlanningDesk("rules: 7\n")
    assert (await desk.plan()).guard == "policy_broken"
    desk.file.text = ""
    assert (await desk.plan()).decision is Decision.ACT


async def test_a_maintenance_window_blocks_and_names_itself() -> None:
    text = "windows: [{name: noon, start: 2026-03-04T11:00:00, end: 2026-03-04T13:00:00, reason: moving}]\n"
    plan = await PlanningDesk(text).plan()
    assert (told(plan), plan.rule, plan.ending) == ((Decision.CLOSE, "maintenance_window"), "noon", Ending.BLOCKED)


async def test_a_pause_that_somebody_asked_for_is_kept_and_lifted_by_one_command() -> None:
    plan = await PlanningDesk(annotations={"kubernaut.ai/pause": "load test until four"}).plan()
    assert (told(plan), plan.ending) == ((Decision.CLOSE, "paused"), Ending.BLOCKED)
    assert "load test until four" in plan.reason
    assert plan.help == "kubectl annotate namespace shop kubernaut.ai/pause-"


@pytest.mark.parametrize("word", ["false", ""])
async def test_a_pause_that_says_false_is_none(word: str) -> None:
    assert (await PlanningDesk(annotations={"kubernaut.ai/pause": word}).plan()).decision is Decision.ACT


async def test_in_a_storm_of_incidents_people_are_asked() -> None:
    desk = PlanningDesk("storm: {open_incidents: 3}\n")
    for _ in range(2):
        await desk.open()
    plan = await desk.plan()
    assert told(plan) == (Decision.ASK, "storm")
    assert "3 incidents began within 10 min" in plan.reason


async def test_many_incidents_of_one_namespace_are_a_storm_there() -> None:
    desk = PlanningDesk("storm: {namespace_incidents: 2}\n")
    await desk.open()
    assert "2 incidents of shop" in (await desk.plan()).reason


async def test_too_many_nodes_that_are_not_ready_pause_and_ask() -> None:
    nodes = [node("a", ready="False"), node("b", ready="False"), node("c")]
    plan = await PlanningDesk(items=nodes).plan()
    assert (told(plan), "2 of 3 nodes are not ready" in plan.reason) == ((Decision.ASK, "storm"), True)


async def test_one_node_of_two_is_no_storm() -> None:
    assert (await PlanningDesk(items=[node("a", ready="False"), node("b")]).plan()).decision is Decision.ACT


@pytest.mark.parametrize("alert", ["KubeAPIDown", "KubeControllerManagerDown", "etcdMembersDown"])
async def test_while_the_control_plane_is_in_trouble_people_are_asked(alert: str) -> None:
    desk = PlanningDesk()
    trouble = await desk.open(alert)
    plan = await desk.plan()
    assert (told(plan), plan.reason.startswith(alert)) == ((Decision.ASK, "control_plane"), True)
    await trouble.resolve()
    await desk.clock.advance(timedelta(seconds=10))
    assert (await desk.plan()).decision is Decision.ACT


async def test_over_its_budget_a_remedy_is_asked_for() -> None:
    desk = PlanningDesk("budgets: [{name: hour, actions_per_hour: 1}]\n")
    assert (await desk.plan()).decision is Decision.ACT
    await desk.leases.release(
        "target:apps/v1/shop/deployment/checkout", (await desk.store.find(IncidentFilter()))[0].id
    )
    plan = await desk.plan()
    assert (told(plan), plan.rule) == ((Decision.ASK, "budget"), "hour")
    assert "this would make 2 actions an hour, and 1 are allowed" in plan.reason


async def test_a_decision_that_is_made_again_after_a_crash_does_not_count_against_itself() -> None:
    desk = PlanningDesk("budgets: [{name: hour, actions_per_hour: 1}]\n")
    teller = await desk.open()
    assert (await desk.plan(teller)).decision is Decision.ACT
    assert (await desk.plan(teller)).decision is Decision.ACT


async def test_a_hard_budget_is_not_lifted_by_consent() -> None:
    desk = PlanningDesk("budgets: [{name: none, actions_per_hour: 0, then: deny}]\n", autonomy="approve")
    teller = await desk.open()
    plan = await desk.ask(teller, await desk.plan(teller))
    answered = await desk.hear(teller, plan, {"approved": True, "by": "anna"})
    assert (told(answered), answered.ending) == ((Decision.CLOSE, "budget"), Ending.ESCALATED)


async def test_consent_to_what_is_over_a_soft_budget_is_enough() -> None:
    desk = PlanningDesk("budgets: [{name: none, actions_per_hour: 0}]\n")
    teller = await desk.open()
    plan = await desk.ask(teller, await desk.plan(teller))
    assert plan.guard == "budget"
    assert (await desk.hear(teller, plan, {"approved": True, "by": "anna"})).decision is Decision.ACT


async def test_a_rule_that_came_after_the_question_still_holds_at_the_answer() -> None:
    desk = PlanningDesk(autonomy="approve")
    teller = await desk.open()
    plan = await desk.ask(teller, await desk.plan(teller))
    desk.file.text = "rules: [{name: never, then: deny}]\n"
    answered = await desk.hear(teller, plan, {"approved": True, "by": "anna"})
    assert (told(answered), answered.rule) == ((Decision.CLOSE, "policy"), "never")


async def test_a_pause_that_came_after_the_question_still_holds_at_the_answer() -> None:
    desk = PlanningDesk(autonomy="approve")
    teller = await desk.open()
    plan = await desk.ask(teller, await desk.plan(teller))
    other = PlanningDesk(autonomy="approve", annotations={"kubernaut.ai/pause": "wait"})
    stage = replace(desk.planning, reader=other.cluster)
    answered = await stage.hearing.hear(await desk.incident(teller), plan, {"approved": True, "by": "anna"}, look=1)
    assert told(answered) == (Decision.CLOSE, "paused")


async def test_the_option_that_was_chosen_is_the_one_that_is_taken_with_its_parameters() -> None:
    desk = PlanningDesk(autonomy="approve")
    teller = await desk.open()
    plan = await desk.ask(teller, await desk.plan(teller, two_remedies()))  # type: ignore[arg-type]
    heard = {"approved": True, "by": "anna", "choice": 2, "parameters": {"pace": 2}}
    answered = await desk.hear(teller, plan, heard)  # type: ignore[arg-type]
    assert answered.chosen is not None
    assert answered.chosen.call == replace(RESTART, parameters={"pace": 2})


async def test_nobody_answering_in_time_hands_over_to_people() -> None:
    desk = PlanningDesk(autonomy="approve")
    teller = await desk.open()
    answered = await desk.hear(teller, await desk.ask(teller, await desk.plan(teller)), None)
    assert (told(answered), answered.ending) == ((Decision.CLOSE, "approval_expired"), Ending.ESCALATED)


async def test_a_request_that_ends_unanswered_after_its_alert_was_resolved_calls_nobody() -> None:
    desk = PlanningDesk(autonomy="approve")
    teller = await desk.open()
    plan = await desk.ask(teller, await desk.plan(teller))
    await teller.resolve()
    answered = await desk.hear(teller, plan, None)
    assert (told(answered), answered.ending) == ((Decision.CLOSE, "resolved"), Ending.SELF_RESOLVED)


async def test_a_message_that_is_no_answer_does_not_make_the_request_live_longer() -> None:
    desk = PlanningDesk(autonomy="approve")
    teller = await desk.open()
    plan = replace(await desk.ask(teller, await desk.plan(teller)), expires_at=NOON + timedelta(minutes=30))
    await desk.clock.advance(timedelta(minutes=20))
    assert (await desk.hear(teller, plan, {"resolved": True})).open_for == timedelta(minutes=10)


async def test_the_guard_that_decided_is_found_by_its_name_and_counted() -> None:
    desk = PlanningDesk(annotations={"kubernaut.ai/pause": "wait"})
    teller = await desk.open()
    await desk.plan(teller)
    assert [each.id for each in await desk.store.find(IncidentFilter(guard="paused"))] == [teller.id]
    assert await desk.store.find(IncidentFilter(guard="unmanaged")) == []
    assert desk.meter.total("decisions", guard="paused", decision="close") == 1


async def test_a_decision_keeps_its_inputs_and_what_else_objected() -> None:
    desk = PlanningDesk(ASKING, autonomy="approve")
    teller = await desk.open()
    await desk.plan(teller)
    (event,) = await desk.store.events(teller.id, kinds=(EventKind.PLANNED,))
    ruling = Tree(event.body).tree("ruling")
    assert [each.text("guard") for each in ruling.trees("considered")] == ["policy", "autonomy_approve"]
    assert ruling.text("inputs", "action", "id") == "rollback_deployment"
    assert ruling.text("policy", "source") == "p.yaml"


async def test_remedies_that_failed_three_times_are_left_to_people() -> None:
    desk = PlanningDesk()
    for minutes in (50, 40, 30):
        await desk.did(Effect.UNCHANGED, at=NOON - timedelta(minutes=minutes))
    assert told(await desk.plan()) == (Decision.CLOSE, "consecutive_failures")


async def test_what_helped_twice_and_did_not_last_gives_way_to_another_remedy() -> None:
    desk = PlanningDesk()
    for minutes in (60, 30):
        await desk.did(Effect.HEALED, at=NOON - timedelta(minutes=minutes))
    assert told(await desk.plan()) == (Decision.CLOSE, "thrashing")
    other = await desk.plan(diagnosis=two_remedies())  # type: ignore[arg-type]
    assert other.chosen is not None
    assert other.chosen.call.action == ActionId("restart_workload")
