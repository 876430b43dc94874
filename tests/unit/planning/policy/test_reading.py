"""What a policy file may say, and how it is told what it may not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kubernaut.domain.errors import PolicyError
from kubernaut.planning.policy.facts import Facts
from kubernaut.planning.policy.reading import LARGEST, read_policy

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def refusal(text: str) -> str:
    with pytest.raises(PolicyError) as refused:
        read_policy(text, source="p.yaml")
    return str(refused.value)


def a_rule(when: str, then: str = "ask", more: str = "") -> str:
    return f"rules:\n  - name: r\n    when: {when}\n    then: {then}\n{more}"


def test_an_empty_file_is_the_built_in_policy() -> None:
    policy = read_policy("", source="p.yaml")
    assert policy.objections(Facts(), NOON) == ()


def test_an_unknown_effect_is_named_with_its_line_and_its_field() -> None:
    assert refusal(a_rule("'true'", "perhaps")).startswith("p.yaml line 4, rules[0].then: ")


def test_a_misspelt_field_is_no_rule_that_does_not_hold_but_an_error() -> None:
    text = refusal("rules:\n  - name: r\n    wehn: x\n    then: ask\n")
    assert text == "p.yaml line 3, rules[0].wehn: there is no such field"


def test_a_condition_about_what_there_is_not_names_what_there_is() -> None:
    text = refusal(a_rule("explanation == 'safe'"))
    assert "there is no explanation" in text
    assert "confidence" in text


@pytest.mark.parametrize("name", ["summary", "evidence", "model", "log", "annotations"])
def test_no_condition_can_look_at_text(name: str) -> None:
    assert f"there is no {name}" in refusal(a_rule(f"'{name} != \"\"'"))


def test_a_field_that_there_is_not_is_found_when_the_file_is_read() -> None:
    assert '"nmae"' in refusal(a_rule("target.nmae == 'web'"))


def test_a_label_that_may_be_missing_has_to_be_asked_for_first() -> None:
    assert "ask first" in refusal(a_rule("ns.labels['team'] == 'pay'"))
    read_policy(a_rule("\"'team' in ns.labels && ns.labels['team'] == 'pay'\""), source="p.yaml")


def test_a_condition_that_gives_a_number_is_none() -> None:
    assert "it gives float, not true or false" in refusal(a_rule("confidence"))


def test_a_condition_of_unlike_types_is_refused() -> None:
    assert "p.yaml line 2, r.when" in refusal(a_rule("confidence > 'high'"))


def test_a_condition_that_cannot_be_parsed_shows_its_rule() -> None:
    assert refusal(a_rule("'1 +'")).startswith("p.yaml line 2, r.when: ")


def test_a_wrong_pattern_is_refused_when_the_file_is_read() -> None:
    assert "p.yaml line 2, r.when" in refusal(a_rule("\"target.name.matches('[')\""))


def test_what_loosens_has_to_say_so() -> None:
    assert "beyond_labels: true" in refusal(a_rule("'true'", "auto"))
    assert "beyond_labels: true" in refusal(a_rule("'true'", "ask", "    beyond_labels: true\n"))


@pytest.mark.parametrize("when", ["confidence > 0.9", 'alert.severity == "critical"', "by_model"])
def test_being_surer_or_more_urgent_never_loosens(when: str) -> None:
    text = refusal(a_rule(f"'{when}'", "auto", "    beyond_labels: true\n"))
    assert "a rule that loosens may not look at" in text


def test_approvers_belong_to_a_rule_that_asks() -> None:
    assert "approvers belong to" in refusal(a_rule("'true'", "deny", "    approvers: [anna]\n"))


def test_two_parts_of_one_name_are_refused() -> None:
    text = "rules: [{name: a, then: ask}]\nbudgets: [{name: a, actions_per_hour: 1}]\n"
    assert "two parts have the name a" in refusal(text)


def test_a_key_that_stands_there_twice_is_refused_since_the_second_would_win_silently() -> None:
    assert refusal("rules: []\nrules: []\n") == "p.yaml line 2: rules stands there twice"


@pytest.mark.parametrize("deep", ["[" * 20_000, "- " * 10_000, "{a: " * 6_000])
def test_what_is_nested_beyond_all_reason_is_refused_at_once(deep: str) -> None:
    assert "nested more than 100 levels" in refusal(deep)


def test_aliases_are_refused_since_a_few_lines_of_them_may_stand_for_gigabytes() -> None:
    assert "aliases" in refusal("rules: &r []\nwindows: *r\n")


@pytest.mark.parametrize("text", ["[", "rules: {", "\0", "- a", "rules: 7", "version: 2", "version: '1'"])
def test_what_is_no_policy_is_refused_with_the_file_named(text: str) -> None:
    assert refusal(text).startswith("p.yaml")


def test_a_file_that_is_too_large_is_not_parsed() -> None:
    assert "larger than" in refusal("#" * (LARGEST + 1))


def test_a_time_zone_that_there_is_not_is_refused() -> None:
    assert "there is no time zone Mars" in refusal("timezone: Mars\n")


def test_a_cron_that_is_none_is_refused() -> None:
    text = refusal("windows: [{name: w, cron: 'often', duration_minutes: 5}]\n")
    assert text.startswith("p.yaml line 1, w.cron: 'often'")


@pytest.mark.parametrize(
    "window",
    [
        "cron: '0 2 * * *'",
        "start: 2026-01-01",
        "cron: '0 2 * * *', duration_minutes: 5, start: 2026-01-01, end: 2026-01-02",
        "start: 2026-01-02, end: 2026-01-01",
        "duration_minutes: 5",
    ],
)
def test_a_window_has_one_time_that_is_whole(window: str) -> None:
    assert "p.yaml line 1, windows[0]" in refusal(f"windows: [{{name: w, {window}}}]\n")


def test_a_budget_that_bounds_nothing_is_refused() -> None:
    assert "bounds nothing" in refusal("budgets: [{name: b, per: namespace}]\n")


@pytest.mark.parametrize(("hour_utc", "holds"), [(0, False), (1, True), (2, True), (3, False)])
def test_a_window_by_cron_is_open_in_its_own_time_zone(hour_utc: int, holds: bool) -> None:  # noqa: FBT001
    text = "windows: [{name: w, cron: '0 2 * * SUN', duration_minutes: 120, timezone: Europe/Berlin}]\n"
    policy = read_policy(text, source="p.yaml")
    found = policy.objections(Facts(), datetime(2026, 11, 22, hour_utc, 0, tzinfo=UTC))
    assert [each.guard for each in found] == ["maintenance_window"] * holds


def test_a_freeze_holds_from_its_start_to_just_before_its_end() -> None:
    text = "windows: [{name: f, kind: freeze, start: 2026-03-04, end: 2026-03-05}]\n"
    policy = read_policy(text, source="p.yaml")
    times = [datetime(2026, 3, day, tzinfo=UTC) for day in (3, 4, 5)]
    assert [bool(policy.objections(Facts(), each)) for each in times] == [False, True, False]
