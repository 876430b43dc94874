from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.adapters.memory.analyst import ScriptedAnalyst
from kubernaut.domain.diagnosis import ActionCall, ActionId, CauseId, Diagnosis, Hypothesis, Verdict
from kubernaut.domain.errors import ModelError, ModelReplyInvalid, ModelReplySuspicious, ModelUnavailable
from kubernaut.domain.evidence import Evidence, EvidenceId, EvidenceSource
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.objects import ObjectRef
from kubernaut.investigation.second_opinion import (
    Choices,
    Considered,
    accepted_citations,
    consider,
    for_people,
    is_unsure,
    merge,
)
from kubernaut.ports import Opinion

TARGET = ObjectRef("apps/v1", "Deployment", "shop", "checkout")
FACTS = tuple(
    Evidence(EvidenceId(f"e{number}"), EvidenceSource.LOG, TARGET, "log", f"line {number}") for number in range(3)
)
ROLLBACK = ActionCall(ActionId("rollback_deployment"), TARGET, {"revision": 3})
CHOICES = Choices(
    causes={"crash_after_change": "crashes since the last release", "image_not_found": "no such image"},
    calls={"rollback_deployment": ROLLBACK},
    meanings={"rollback_deployment": "go back to the former revision"},
)
OPINION = Opinion("image_not_found", "rollback_deployment", 0.9, (EvidenceId("e1"),), "No such tag.", "small:model")
CAUSES = ["crash_after_change", "image_not_found", "unknown", "scaled_to_zero", "healthy"]


def hypothesis(cause: str, confidence: float, verdict: Verdict = Verdict.ESCALATE) -> Hypothesis:
    return Hypothesis(CauseId(cause), TARGET, confidence, verdict, "as the rules see it", (EvidenceId("e0"),))


def diagnosis(*hypotheses: Hypothesis) -> Diagnosis:
    return Diagnosis(TARGET, hypotheses, FACTS)


async def considered(of: Diagnosis, answer: Opinion | ModelError) -> tuple[Considered, ScriptedAnalyst]:
    analyst = ScriptedAnalyst([answer])
    return await consider(IncidentId("inc-1"), of, CHOICES, analyst, below=0.6), analyst


async def test_rules_that_are_sure_ask_nobody() -> None:
    sure = diagnosis(hypothesis("crash_after_change", 0.8, Verdict.ACT))

    result, analyst = await considered(sure, OPINION)

    assert result == Considered(sure)
    assert analyst.questions == []


async def test_the_model_may_choose_only_from_what_the_rules_prepared() -> None:
    _, analyst = await considered(diagnosis(), OPINION)

    (question,) = analyst.questions
    assert question.causes == CHOICES.causes
    assert question.candidates == {"rollback_deployment": "go back to the former revision"}


@pytest.mark.parametrize("error", [ModelUnavailable("gone"), ModelReplyInvalid("nonsense")])
async def test_a_model_that_fails_leaves_the_diagnosis_of_the_rules(error: ModelError) -> None:
    unsure = diagnosis(hypothesis("crash_after_change", 0.3))

    result, _ = await considered(unsure, error)

    assert result == Considered(unsure, failure=error)


async def test_where_the_rules_know_nothing_a_suggestion_with_evidence_waits_for_approval() -> None:
    result, _ = await considered(diagnosis(hypothesis("unknown", 0.2)), OPINION)

    best = result.diagnosis.best
    assert best is not None
    assert (best.cause, best.verdict, best.remedies) == ("image_not_found", Verdict.APPROVE, (ROLLBACK,))
    assert best.confidence == 0.5
    assert best.summary == "Suggested by small:model, proven by no rule: No such tag."
    assert result.diagnosis.decided_by == "model"
    assert [fact.id for fact in result.diagnosis.cited(best)] == ["e1"]


@pytest.mark.parametrize(
    "opinion",
    [
        replace(OPINION, evidence=()),
        replace(OPINION, action=""),
        replace(OPINION, action="drain_everything"),
        replace(OPINION, evidence=(EvidenceId("e999"),)),
    ],
    ids=["no evidence", "no remedy", "a remedy nobody prepared", "evidence nobody read"],
)
def test_a_suggestion_without_proof_or_remedy_is_escalated(opinion: Opinion) -> None:
    merged = merge(diagnosis(), opinion, CHOICES.calls)

    assert merged.best is not None
    assert merged.best.verdict is Verdict.ESCALATE


def test_agreement_never_makes_the_rules_surer_and_doubt_makes_them_less_sure() -> None:
    unsure = diagnosis(hypothesis("image_not_found", 0.4))

    surer = merge(unsure, replace(OPINION, confidence=1.0), CHOICES.calls)
    doubting = merge(unsure, replace(OPINION, confidence=0.1), CHOICES.calls)

    assert surer == unsure
    assert [one.confidence for one in doubting.hypotheses] == [0.1]


def test_another_cause_with_evidence_takes_confidence_from_what_the_rules_suspect_and_stands_behind_it() -> None:
    merged = merge(diagnosis(hypothesis("crash_after_change", 0.55)), OPINION, CHOICES.calls)

    assert [(one.cause, round(one.confidence, 6)) for one in merged.hypotheses] == [
        ("crash_after_change", 0.1),
        ("image_not_found", 0.5),
    ]
    assert merged.decided_by == "rules"


def test_a_model_that_knows_nothing_changes_nothing() -> None:
    unsure = diagnosis(hypothesis("crash_after_change", 0.3))

    assert merge(unsure, replace(OPINION, cause="unknown"), CHOICES.calls) == unsure


async def test_a_reply_that_was_led_leaves_nothing_that_is_done_without_people() -> None:
    acting = replace(hypothesis("crash_after_change", 0.5, Verdict.ACT), remedies=(ROLLBACK,))
    error = ModelReplySuspicious("it repeats an instruction found in the cluster")

    result, _ = await considered(diagnosis(acting, hypothesis("image_not_found", 0.2, Verdict.DECLINE)), error)

    assert result.failure is error
    assert [one.verdict for one in result.diagnosis.hypotheses] == [Verdict.APPROVE, Verdict.ESCALATE]
    assert "written to mislead: it repeats an instruction" in result.diagnosis.hypotheses[0].summary


def test_where_the_rules_found_nothing_a_led_reply_still_calls_people() -> None:
    (only,) = for_people(diagnosis(), "it repeats an instruction").hypotheses

    assert (only.cause, only.verdict, only.remedies) == ("unknown", Verdict.ESCALATE, ())


@pytest.mark.parametrize("verdict", list(Verdict))
def test_nothing_is_less_careful_after_a_led_reply(verdict: Verdict) -> None:
    (after,) = for_people(diagnosis(hypothesis("crash_after_change", 0.5, verdict)), "why").hypotheses

    assert after.verdict is Verdict.ESCALATE


def test_two_calls_of_one_action_are_two_candidates_with_their_parameters() -> None:
    other = replace(ROLLBACK, parameters={"revision": 2})
    both = replace(hypothesis("crash_after_change", 0.5), remedies=(ROLLBACK, other, ROLLBACK))

    choices = Choices.of(diagnosis(both), {}, {"rollback_deployment": "go back"})

    assert choices.calls == {"rollback_deployment": ROLLBACK, "rollback_deployment.2": other}
    assert choices.meanings == {
        "rollback_deployment": "go back (Deployment/checkout, revision=3)",
        "rollback_deployment.2": "go back (Deployment/checkout, revision=2)",
    }


def test_a_citation_is_accepted_where_the_rules_count_it_in_support_of_that_cause() -> None:
    found = diagnosis(hypothesis("image_not_found", 0.4), hypothesis("crash_after_change", 0.2))

    assert accepted_citations(found, replace(OPINION, evidence=(EvidenceId("e0"), EvidenceId("e1")))) == 1
    assert accepted_citations(found, replace(OPINION, cause="unknown")) == 0


HYPOTHESES = st.lists(
    st.builds(hypothesis, st.sampled_from(CAUSES), st.floats(0, 1), st.sampled_from(list(Verdict))), max_size=4
)
OPINIONS = st.builds(
    Opinion,
    cause=st.sampled_from(CAUSES),
    action=st.sampled_from(["", "rollback_deployment", "drain_everything"]),
    confidence=st.floats(0, 1),
    evidence=st.lists(st.sampled_from(["e0", "e1", "e2", "e999"]).map(EvidenceId), max_size=4).map(tuple),
    explanation=st.text(max_size=50),
    provider=st.just("any"),
)


@given(HYPOTHESES, OPINIONS)
def test_no_reply_of_a_model_turns_a_verdict_into_act_or_raises_a_confidence(
    hypotheses: list[Hypothesis], opinion: Opinion
) -> None:
    before = diagnosis(*hypotheses)

    after = merge(before, opinion, CHOICES.calls)

    kept = (
        after.hypotheses
        if len(after.hypotheses) == len(hypotheses)
        else tuple(one for one in after.hypotheses if not one.summary.startswith("Suggested by any"))
    )
    added = [one for one in after.hypotheses if one not in kept]
    assert [(one.cause, one.verdict, one.remedies) for one in kept] == [
        (one.cause, one.verdict, one.remedies) for one in hypotheses
    ]
    assert all(now.confidence <= then.confidence for now, then in zip(kept, hypotheses, strict=True))
    assert all(one.verdict in {Verdict.APPROVE, Verdict.ESCALATE} and one.confidence <= 0.5 for one in added)
    assert after.evidence == before.evidence
    for one in after.hypotheses:
        after.cited(one)
    if after.best and after.best.verdict is Verdict.ACT:
        assert before.best is not None
        assert before.best.verdict is Verdict.ACT


@given(HYPOTHESES, st.floats(0, 1))
def test_only_an_unsure_or_unknown_best_cause_is_asked_about(hypotheses: list[Hypothesis], below: float) -> None:
    found = diagnosis(*hypotheses)
    best = found.best

    assert is_unsure(found, below=below) == (best is None or best.cause == "unknown" or best.confidence < below)
