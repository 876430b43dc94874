"""Where remedies are proposed and never done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubernaut.adapters.kubernetes.trying import TryingWriter
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.changes import ObjectPatch, PatchOperation
from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.errors import ChangeRejected
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.plans import Decision, Plan
from tests import objects
from tests.planning_desk import RESTART, PlanningDesk, told
from tests.told import ROLLBACK, a_diagnosis

LIFTING = """
version: 1
rules:
  - {name: everything, when: "true", then: auto, beyond_labels: true}
"""
SUGGESTING = """
version: 1
rules:
  - {name: only-told, when: 'action.id == "rollback_deployment"', then: suggest, reason: people roll back}
"""
DENYING = """
version: 1
rules:
  - {name: never, when: 'action.id == "rollback_deployment"', then: deny}
"""
CONSENT = """
version: 1
rules:
  - {name: careful, when: "true", then: ask}
"""


def with_two_remedies() -> Diagnosis:
    plain = a_diagnosis()
    best = replace(plain.hypotheses[0], remedies=(ROLLBACK, RESTART))
    return replace(plain, hypotheses=(best, *plain.hypotheses[1:]))


def proposed(plan: Plan) -> str:
    assert plan.is_proposal
    assert plan.ending is Ending.ESCALATED
    assert plan.chosen is not None
    return plan.chosen.call.action


async def test_a_scope_that_takes_suggestions_gets_the_first_remedy_that_would_be_taken() -> None:
    plan = await PlanningDesk(DENYING, autonomy="suggest").plan(diagnosis=with_two_remedies())
    assert told(plan) == (Decision.CLOSE, "autonomy_suggest")
    assert proposed(plan) == "restart_workload"


@pytest.mark.parametrize("policy", ["", LIFTING])
async def test_in_shadow_mode_no_label_and_no_rule_leads_to_an_action(policy: str) -> None:
    plan = await PlanningDesk(policy, autonomy="auto", shadow=True).plan()
    assert told(plan) == (Decision.CLOSE, "shadow")
    assert (proposed(plan), plan.asks) == ("rollback_deployment", False)


async def test_a_proposal_tells_that_it_would_have_needed_consent() -> None:
    plan = await PlanningDesk(CONSENT, shadow=True).plan()
    assert (proposed(plan), plan.asks) == ("rollback_deployment", True)


async def test_consent_that_was_asked_for_before_shadow_mode_leads_to_nothing() -> None:
    desk = PlanningDesk(CONSENT)
    teller = await desk.open()
    plan = await desk.ask(teller, await desk.plan(teller))
    desk.planning = replace(desk.planning, policy=replace(desk.planning.policy, shadow=True))
    answered = await desk.hear(teller, plan, {"approved": True, "by": "anna"})
    assert (answered.decision, answered.guard) == (Decision.CLOSE, "shadow")


async def test_a_remedy_that_a_rule_only_suggests_is_proposed_where_no_other_is_allowed() -> None:
    assert proposed(await PlanningDesk(SUGGESTING).plan()) == "rollback_deployment"
    plan = await PlanningDesk(SUGGESTING).plan(diagnosis=with_two_remedies())
    assert plan.decision is Decision.ACT
    assert plan.chosen is not None
    assert plan.chosen.call == RESTART


async def test_an_only_observed_scope_gets_no_proposal() -> None:
    plan = await PlanningDesk(autonomy="observe", shadow=True).plan()
    assert told(plan) == (Decision.CLOSE, "autonomy_observe")
    assert not plan.is_proposal


async def test_the_writer_of_shadow_mode_tries_and_never_writes() -> None:
    before = objects.service("cart", {"app": "wrong"})
    cluster = MemoryCluster([dict(before.raw)])
    item = await cluster.get(before.ref)
    assert item is not None
    operation = PatchOperation("replace", "/spec/selector/app", "cart")
    change = ObjectPatch(item.ref, item.uid, item.resource_version, (operation,))
    writer = TryingWriter(cluster)
    tried = await writer.write(change, dry_run=True)
    assert tried is not None
    assert tried.text("spec", "selector", "app") == "cart"
    with pytest.raises(ChangeRejected):
        await writer.write(change)
    after = await cluster.get(before.ref)
    assert after is not None
    assert after.raw == item.raw
