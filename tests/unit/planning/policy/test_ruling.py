"""What a policy decides about one remedy: it tightens, and neither severity nor a model's words loosen it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.planning.policy.document import Effect
from kubernaut.planning.policy.facts import SEVERITIES, Facts
from kubernaut.planning.policy.reading import read_policy
from kubernaut.planning.policy.ruling import BUILT_IN, Policy

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
CONDITIONS = (
    'alert.severity == "critical"',
    'alert.severity != "critical"',
    'alert.severity in ["none", "info"]',
    "confidence < 0.5",
    "blast.replicas > 3",
    'target.kind == "Deployment"',
)


def policy_of(*rules: tuple[str, str]) -> Policy:
    text = "rules:\n" + "".join(
        f"  - {{name: r{place}, then: {then}, when: '{when}'}}\n" for place, (when, then) in enumerate(rules)
    )
    return read_policy(text, source="p.yaml")


def lifting(when: str = "true", more: str = "") -> Policy:
    text = f"rules:\n  - {{name: lift, then: auto, beyond_labels: true, when: '{when}'}}\n{more}"
    return read_policy(text, source="p.yaml")


def labelled(autonomy: str, **changes: object) -> Facts:
    return replace(Facts(), target=replace(Facts().target, autonomy=autonomy), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("autonomy", "effects"), [("auto", []), ("approve", ["ask"]), ("suggest", ["suggest"]), ("observe", ["observe"])]
)
def test_without_a_policy_labels_alone_decide(autonomy: str, effects: list[str]) -> None:
    assert [each.effect.value for each in BUILT_IN.objections(labelled(autonomy), NOON)] == effects


def test_a_word_that_is_no_autonomy_allows_nothing() -> None:
    assert BUILT_IN.objections(labelled("yes"), NOON)[0].effect is Effect.OBSERVE


def test_what_cannot_be_taken_back_is_asked_about_under_every_policy() -> None:
    facts = replace(Facts(), action=replace(Facts().action, needs_consent=True))
    assert [each.guard for each in lifting().objections(facts, NOON)] == ["approval"]


def test_a_rule_lifts_a_label_only_where_it_says_so() -> None:
    assert lifting().objections(labelled("approve"), NOON) == ()
    assert policy_of(("true", "ask")).objections(labelled("approve"), NOON) != ()


def test_a_rule_that_lifts_the_label_lifts_no_other_rule() -> None:
    policy = lifting(more="  - {name: never, then: deny}\n")
    assert [each.rule for each in policy.objections(labelled("approve"), NOON)] == ["never"]


def test_of_several_rules_the_strictest_decides() -> None:
    policy = policy_of(("true", "ask"), ("true", "deny"), ("true", "observe"))
    assert [each.effect for each in policy.rulings(Facts(), NOON)] == [Effect.OBSERVE, Effect.DENY, Effect.ASK]


def test_a_condition_without_an_answer_takes_the_remedy_away_and_names_its_line() -> None:
    policy = policy_of(("10 / (blast.replicas - 3) > 1", "ask"))
    facts = replace(Facts(), blast=replace(Facts().blast, replicas=3))
    (ruling,) = policy.rulings(facts, NOON)
    assert (ruling.guard, ruling.effect, ruling.line) == ("policy_broken", Effect.DENY, 2)
    assert "division by zero" in ruling.reason


def test_a_lifting_rule_without_an_answer_lifts_nothing() -> None:
    policy = lifting("10 / (blast.replicas - 3) > 1")
    facts = labelled("approve", blast=replace(Facts().blast, replicas=3))
    assert policy.lifting(facts, NOON) is None


strictness = {Effect.OBSERVE: 4, Effect.SUGGEST: 3, Effect.DENY: 2, Effect.ASK: 1}


@settings(deadline=None)
@given(
    rules=st.lists(st.tuples(st.sampled_from(CONDITIONS), st.sampled_from(["ask", "deny", "suggest"])), max_size=4),
    levels=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    confidence=st.sampled_from([0.1, 0.9]),
)
def test_a_higher_severity_never_weakens_a_guard(
    rules: list[tuple[str, str]], levels: tuple[int, int], confidence: float
) -> None:
    policy = policy_of(*rules) if rules else BUILT_IN
    lower, higher = sorted(levels)
    facts = replace(Facts(), confidence=confidence)
    mild = policy.rulings(facts.with_severity(SEVERITIES[lower]), NOON)
    severe = policy.rulings(facts.with_severity(SEVERITIES[higher]), NOON)
    assert {each.rule for each in mild} <= {each.rule for each in severe}
    strictest = [max((strictness[each.effect] for each in found), default=0) for found in (mild, severe)]
    assert strictest[0] <= strictest[1]


@settings(deadline=None)
@given(word=st.text(min_size=1, max_size=12).filter(lambda word: word not in SEVERITIES))
def test_a_severity_that_nobody_knows_is_guarded_as_the_highest(word: str) -> None:
    policy = policy_of(*((condition, "ask") for condition in CONDITIONS[:3]))
    highest = {each.rule for each in policy.rulings(Facts().with_severity("critical"), NOON)}
    assert highest <= {each.rule for each in policy.rulings(Facts().with_severity(word), NOON)}


@settings(deadline=None)
@given(rules=st.lists(st.tuples(st.sampled_from(CONDITIONS), st.sampled_from(["ask", "deny", "suggest"])), max_size=4))
def test_a_rule_more_never_allows_more(rules: list[tuple[str, str]]) -> None:
    fewer = policy_of(*rules[:-1]) if rules[:-1] else BUILT_IN
    more = policy_of(*rules) if rules else BUILT_IN
    assert {each.rule for each in fewer.rulings(Facts(), NOON)} <= {each.rule for each in more.rulings(Facts(), NOON)}


def test_the_hour_is_that_of_the_policys_time_zone() -> None:
    text = "timezone: Asia/Tokyo\nrules: [{name: late, when: time.hour == 21 && time.weekday == 'wed', then: ask}]\n"
    assert [each.rule for each in read_policy(text, source="p.yaml").rulings(Facts(), NOON)] == ["late"]
