"""`kubernaut policy` and the settings that name a policy file."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.entrypoints.cli.main import run
from kubernaut.entrypoints.cli.policy import explanation, explanation_lines

EXAMPLES = Path(__file__).resolve().parents[4] / "docs" / "examples"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text("rules:\n  - name: r\n    then: maybe\n")
    return path


def test_the_built_in_policy_is_shown_with_every_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "show", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["source"], told["policy"]["rules"], told["policy"]["runs"]["per_day"]) == ("built in", [], 20)


def test_a_valid_file_says_what_it_holds_and_what_of_it_loosens(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "lint", str(EXAMPLES / "policy.yaml")]) == 0
    out = capsys.readouterr().out
    assert "is valid: 7 rules, 2 windows, 2 budgets." in out
    assert "playground: loosens what labels allow" in out
    assert "checkout-is-held-up: changes live what its owner will put back, beside the proposal" in out


def test_a_wrong_file_ends_with_one_and_names_line_and_field(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "lint", str(broken)]) == 1
    assert f"error: {broken} line 3, rules[0].then: " in capsys.readouterr().err


def test_a_file_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "lint", str(tmp_path / "none.yaml")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_a_rule_that_always_forbids_is_remarked_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        "rules: [{name: stop, then: observe}]\nwindows: [{name: old, start: 2020-01-01, end: 2020-01-02}]\n"
    )
    assert run(["policy", "lint", str(path), "--json"]) == 0
    remarks = json.loads(capsys.readouterr().out)["remarks"]
    assert remarks == ["line 1, stop: holds always, so nothing is ever done", "line 2, old: is over"]


def test_the_cases_of_the_documents_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["policy", "test", str(EXAMPLES / "policy-cases.yaml")]) == 0
    assert "11 of 11 cases as expected" in capsys.readouterr().out


def test_a_case_that_comes_out_otherwise_ends_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = tmp_path / "cases.yaml"
    cases.write_text("cases: [{name: plain, expect: {decision: ask, rule: r}}]\n")
    assert run(["policy", "test", str(cases), "--policy", str(EXAMPLES / "policy.yaml"), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["failed"] == 1
    assert told["cases"][0]["wrong"] == "decision is act, not ask; rule is none, not r"


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("{targt: {}}", "there is no fact targt"),
        ("{target: {nmae: x}}", "there is no fact nmae"),
        ("{target: 7}", "here stands a mapping"),
        ("{confidence: high}", "plain.confidence"),
        ("{summary: x}", "there is no fact summary"),
    ],
)
def test_a_case_with_facts_that_there_are_not_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: str, fault: str
) -> None:
    cases = tmp_path / "cases.yaml"
    cases.write_text(f"cases: [{{name: plain, given: {given}, expect: {{decision: act}}}}]\n")
    assert run(["policy", "test", str(cases), "--policy", str(EXAMPLES / "policy.yaml")]) == 1
    assert fault in capsys.readouterr().out


def test_cases_that_name_no_policy_need_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = tmp_path / "cases.yaml"
    cases.write_text("cases: [{name: plain, expect: {decision: act}}]\n")
    assert run(["policy", "test", str(cases)]) == 1
    assert "it names no policy" in capsys.readouterr().err


def test_a_file_without_a_case_tests_nothing_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = tmp_path / "cases.yaml"
    cases.write_text("cases: []\n")
    assert run(["policy", "test", str(cases)]) == 1
    assert "cases" in capsys.readouterr().err


def test_the_check_of_the_settings_reads_the_policy(
    broken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(f"policy: {{file: {broken}}}\n")
    assert run(["config", "check", "--config", str(settings)]) == 1
    assert "line 3, rules[0].then" in capsys.readouterr().err
    broken.write_text("rules: []\n")
    assert run(["config", "check", "--config", str(settings)]) == 0
    assert "policy" in capsys.readouterr().out


def test_an_explanation_names_the_rule_its_line_and_every_input() -> None:
    ruling = {
        "policy": {"source": "pay.yaml", "digest": "abc"},
        "inputs": {"target": {"stateful": True, "labels": {}}},
        "considered": [{"action": "restart_pod", "guard": "policy", "rule": "stateful", "then": "ask", "line": 14}],
    }
    plan = {"decision": "ask", "guard": "policy", "rule": "stateful", "reason": "data hangs on it"}
    at = datetime.fromisoformat("2026-03-04T12:00:00+00:00")
    body = {"plan": plan, "ruling": ruling}
    event = Event(IncidentId("inc-1"), "planned-1", EventKind.PLANNED, at, body)  # type: ignore[arg-type]
    assert explanation_lines("inc-1", explanation(event)) == [
        'inc-1  ask by rule "stateful" · policy pay.yaml abc',
        "Because   data hangs on it",
        "Objected  restart_pod: ask by stateful (line 14)",
        "Input     target.stateful = True",
        "Input     target.labels = {}",
    ]
