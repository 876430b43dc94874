"""Stored decisions taken again under another policy, from their events alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import JsonObject, Tree
from kubernaut.domain.plans import Decision, Plan
from kubernaut.planning.budgeting import Spent
from kubernaut.planning.guards import Autonomy
from kubernaut.planning.policy.reading import read_policy
from kubernaut.planning.policy.ruling import BUILT_IN, Policy
from kubernaut.planning.replaying import NotKnown, Stored, What, replay, spending, stored_decision
from tests.planning_desk import RESTART, PlanningDesk
from tests.told import NOON, ROLLBACK, a_diagnosis

NO_ROLLBACK = "rules: [{name: no-rollback, when: 'action.id == \"rollback_deployment\"', then: deny}]"
NIGHTS = 'rules: [{name: nights, when: "time.hour < 6", then: ask}]'
ALWAYS_ASK = 'rules: [{name: careful, when: "true", then: ask, approvers: [anna]}]'
LIFTING = 'rules: [{name: beyond, when: "true", then: auto, beyond_labels: true}]'
ONE_AN_HOUR = "budgets: [{name: slow, actions_per_hour: 1, then: deny}]"
CALM = "storm: {open_incidents: 2}"
POLICIES = ["", NO_ROLLBACK, NIGHTS, ALWAYS_ASK, LIFTING, CALM]


def law(text: str) -> Policy:
    return read_policy(f"version: 1\n{text}\n", source="other.yaml") if text else BUILT_IN


def with_two_remedies() -> Diagnosis:
    plain = a_diagnosis()
    best = replace(plain.hypotheses[0], remedies=(ROLLBACK, RESTART))
    return replace(plain, hypotheses=(best, *plain.hypotheses[1:]))


async def decided(policy: str = "", *, autonomy: str = "auto", shadow: bool = False) -> Stored:
    desk = PlanningDesk(f"version: 1\n{policy}\n" if policy else "", autonomy=autonomy, shadow=shadow)
    teller = await desk.open()
    await desk.plan(teller, with_two_remedies())
    (event,) = await desk.store.events(teller.id, kinds=(EventKind.PLANNED,))
    return stored_decision(event.body, event.at, "act")


def outcome(plan: Plan | NotKnown) -> tuple[Decision, str, Ending | None, str]:
    assert isinstance(plan, Plan), plan
    return plan.decision, plan.guard, plan.ending, str(plan.chosen.call.action) if plan.chosen else ""


@pytest.mark.parametrize("autonomy", ["observe", "suggest", "approve", "auto"])
@pytest.mark.parametrize("policy", POLICIES)
async def test_under_its_own_policy_a_decision_comes_out_as_it_was(policy: str, autonomy: str) -> None:
    stored = await decided(policy, autonomy=autonomy)
    assert outcome(replay(stored, What(law(policy)))) == outcome(stored.plan)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(POLICIES), st.sampled_from(POLICIES), st.sampled_from(["observe", "suggest", "approve", "auto"]))
async def test_a_replay_decides_what_the_service_decides_under_that_policy(old: str, new: str, autonomy: str) -> None:
    replayed = replay(await decided(old, autonomy=autonomy), What(law(new)))
    assert outcome(replayed) == outcome((await decided(new, autonomy=autonomy)).plan)


async def test_what_a_rule_lifted_is_only_observed_without_that_rule() -> None:
    stored = await decided(LIFTING, autonomy="observe")
    assert outcome(replay(stored, What(law(NO_ROLLBACK))))[1:3] == ("autonomy_observe", Ending.DECLINED)


async def test_a_proposal_of_shadow_mode_is_replayed_as_if_it_might_have_acted() -> None:
    stored = await decided(shadow=True)
    assert outcome(replay(stored, What(BUILT_IN))) == outcome(stored.plan)
    assert outcome(replay(stored, What(BUILT_IN, Autonomy.AUTO)))[0] is Decision.ACT
    assert outcome(replay(stored, What(law(NO_ROLLBACK), Autonomy.AUTO)))[3] == "restart_workload"


async def test_replayed_decisions_spend_the_budgets_of_the_policy_they_are_replayed_under() -> None:
    stored = await decided()
    before = spending(stored.plan, stored)
    assert before is not None
    earlier = Spent(NOON - timedelta(minutes=30), before.namespace, before.replicas, before.nodes)
    assert outcome(replay(stored, What(law(ONE_AN_HOUR))))[0] is Decision.ACT
    assert outcome(replay(stored, What(law(ONE_AN_HOUR)), [earlier]))[:2] == (Decision.CLOSE, "budget")


def without(stored: Stored, *keys: str) -> Stored:
    ruling: JsonObject = {key: value for key, value in stored.ruling.raw.items() if key not in keys}
    return replace(stored, ruling=type(stored.ruling)(ruling))


async def test_what_the_event_does_not_hold_is_said_and_not_guessed() -> None:
    old = without(await decided(), "candidates")
    assert replay(old, What(law(NO_ROLLBACK))) == NotKnown("the facts of the other remedies were not stored")


@pytest.mark.parametrize(("keeper", "is_known"), [("Argo CD", False), ("", True)])
async def test_an_older_decision_about_what_somebody_keeps_does_not_tell_what_would_stand(
    keeper: str, *, is_known: bool
) -> None:
    stored = await decided()
    facts = {key: value for key, value in stored.facts.raw.items() if key != "owner"}
    facts["target"] = {**stored.facts.tree("target").raw, "keeper": keeper}
    older = replace(stored, ruling=Tree({**stored.ruling.raw, "inputs": facts}))
    assert isinstance(replay(older, What(law(""))), Plan) is is_known


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ("storm: {within_minutes: 60}", "over 60 minutes"),
        ("storm: {namespace_incidents: 5}", "its namespace"),
    ],
)
async def test_a_storm_that_counts_what_was_not_counted_then_is_not_known(policy: str, why: str) -> None:
    found = replay(await decided(), What(law(policy)))
    assert isinstance(found, NotKnown)
    assert why in found.why


async def test_what_a_guard_refused_is_refused_under_every_policy() -> None:
    desk = PlanningDesk(annotations={"kubernaut.ai/pause": "migration"})
    teller = await desk.open()
    await desk.plan(teller)
    (event,) = await desk.store.events(teller.id, kinds=(EventKind.PLANNED,))
    stored = stored_decision(event.body, event.at, "act")
    assert replay(stored, What(law(LIFTING), Autonomy.AUTO)) == stored.plan
