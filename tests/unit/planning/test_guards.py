"""What stands between a diagnosis and an action."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.domain.diagnosis import ActionCall, ActionId, CauseId, Hypothesis, Verdict
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import ObjectRef
from kubernaut.domain.plans import Decision
from kubernaut.planning.guards import Autonomy, PastAction, Scope, Situation, objection, scope_of
from kubernaut.planning.oscillation import unrest
from kubernaut.ports import Suspension

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
CART = ObjectRef("apps/v1", "Deployment", "shop", "cart")
RESTART = ActionCall(ActionId("restart_workload"), CART, {})


def hypothesis_of(**changes: object) -> Hypothesis:
    plain = Hypothesis(
        cause=CauseId("crash_after_change"),
        target=CART,
        confidence=0.9,
        verdict=Verdict.ACT,
        summary="every pod of revision 7 exits 1",
        supporting=(),
        remedies=(RESTART,),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # field names are checked by replace


PERMITTING = Situation(
    target=CART,
    best=hypothesis_of(),
    firing=True,
    scope=Scope(managed=True, autonomy=Autonomy.AUTO),
    suspension=None,
    history=(),
    now=NOW,
    began=NOW - timedelta(minutes=10),
    patience=timedelta(minutes=1),
)


def test_nothing_objects_where_the_scope_is_managed_and_the_remedy_is_bounded() -> None:
    assert objection(PERMITTING) is None


def test_an_unmanaged_namespace_is_declined_with_the_command_that_lifts_it() -> None:
    plan = objection(replace(PERMITTING, scope=Scope(managed=False, autonomy=Autonomy.AUTO)))
    assert plan is not None
    assert (plan.ending, plan.help) == (Ending.DECLINED, "kubectl label namespace shop kubernaut.ai/managed=true")


def test_a_resolved_alert_is_acted_on_by_nobody() -> None:
    plan = objection(replace(PERMITTING, firing=False))
    assert plan is not None
    assert plan.ending is Ending.SELF_RESOLVED


def test_a_suspension_blocks_and_says_who_and_why() -> None:
    plan = objection(replace(PERMITTING, suspension=Suspension("anna", "migration", NOW)))
    assert plan is not None
    assert plan.ending is Ending.BLOCKED
    assert "anna: migration" in plan.reason
    assert plan.help == "kubernaut resume"


@pytest.mark.parametrize(
    ("cause", "ending"),
    [
        ("healthy", Ending.NO_ACTION_NEEDED),
        ("self_healed", Ending.SELF_RESOLVED),
        ("intended_state", Ending.DECLINED),
    ],
)
def test_a_finding_with_nothing_to_do_closes_the_incident(cause: str, ending: Ending) -> None:
    best = hypothesis_of(cause=CauseId(cause), verdict=Verdict.DECLINE, remedies=())
    plan = objection(replace(PERMITTING, best=best))
    assert plan is not None
    assert plan.ending is ending


def test_a_rollout_that_is_still_running_is_looked_at_again() -> None:
    best = hypothesis_of(cause=CauseId("rollout_in_progress"), verdict=Verdict.DECLINE, remedies=())
    plan = objection(replace(PERMITTING, best=best))
    assert plan is not None
    assert plan.decision is Decision.WAIT


def test_a_fault_without_a_remedy_is_watched_for_a_while_before_people_are_called() -> None:
    helpless = replace(PERMITTING, best=hypothesis_of(verdict=Verdict.ESCALATE, remedies=()))
    young = objection(replace(helpless, began=NOW - timedelta(seconds=59)))
    old = objection(replace(helpless, began=NOW - timedelta(seconds=60)))
    assert young is not None
    assert old is not None
    assert (young.decision, old.ending) == (Decision.WAIT, Ending.ESCALATED)


def test_people_are_not_called_while_what_a_new_change_needs_may_still_come() -> None:
    helpless = replace(PERMITTING, best=hypothesis_of(verdict=Verdict.ESCALATE, remedies=()))
    long_ago = replace(helpless, began=NOW - timedelta(hours=1))
    settling = objection(replace(long_ago, changed=NOW - timedelta(seconds=119)))
    settled = objection(replace(long_ago, changed=NOW - timedelta(seconds=120)))
    assert settling is not None
    assert settled is not None
    assert (settling.decision, settled.ending) == (Decision.WAIT, Ending.ESCALATED)


def test_three_remedies_within_an_hour_that_did_not_help_hand_over_to_people() -> None:
    past = [PastAction(RESTART, NOW - timedelta(minutes=10 * n), kept=False) for n in range(1, 4)]
    plan = objection(replace(PERMITTING, unrest=unrest(past, NOW, per_hour=6, per_day=20)))
    assert plan is not None
    assert plan.guard == "consecutive_failures"
    kept = [replace(each, kept=True) for each in past]
    assert unrest(kept, NOW, per_hour=6, per_day=20) is None


@given(word=st.text(max_size=12))
def test_a_word_that_is_no_autonomy_level_reads_as_observe(word: str) -> None:
    levels = {level.value for level in Autonomy}
    scope = scope_of([{"kubernaut.ai/autonomy": word}], default=Autonomy.AUTO)
    assert scope.autonomy is (Autonomy(word) if word in levels else Autonomy.OBSERVE)


def test_the_objects_own_label_wins_over_its_namespaces() -> None:
    scope = scope_of([{"kubernaut.ai/managed": "false"}, {"kubernaut.ai/managed": "true"}], default=Autonomy.AUTO)
    assert not scope.managed


@given(confidence=st.floats(0, 1), cause=st.sampled_from(["crash_after_change", "image_not_found"]))
def test_no_confidence_lifts_a_guard(confidence: float, cause: str) -> None:
    best = hypothesis_of(confidence=confidence, cause=CauseId(cause))
    for refused in (
        replace(PERMITTING, best=best, scope=Scope(managed=False, autonomy=Autonomy.AUTO)),
        replace(PERMITTING, best=best, suspension=Suspension("anna", "migration", NOW)),
        replace(PERMITTING, best=best, scope=Scope(managed=True, autonomy=Autonomy.OBSERVE)),
        replace(PERMITTING, best=replace(best, verdict=Verdict.ESCALATE)),
    ):
        assert objection(refused) is not None


def test_restarts_that_healed_do_not_close_an_alert_about_what_only_metrics_show() -> None:
    best = hypothesis_of(cause=CauseId("self_healed"), verdict=Verdict.DECLINE, remedies=())
    healed = replace(PERMITTING, best=best)
    slow = objection(replace(healed, alert="HighRequestLatencyP99"))
    restarts = objection(replace(healed, alert="OurPodsRestart"))
    assert slow is not None
    assert restarts is not None
    assert (slow.ending, slow.guard) == (Ending.ESCALATED, "unexplained")
    assert restarts.ending is Ending.SELF_RESOLVED
