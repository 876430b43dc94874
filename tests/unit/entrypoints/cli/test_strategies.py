"""`kubernaut strategies` and the setting that names a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from kubernaut.entrypoints.cli.main import run
from tests.strategies import a_strategy

EXAMPLES = Path(__file__).resolve().parents[4] / "docs" / "examples"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "s.yaml").write_text(a_strategy("{action: restart_workload}", name="mine"))
    monkeypatch.setenv("KUBERNAUT_STRATEGIES__FOLDER", str(tmp_path))
    return tmp_path


def test_the_declared_ones_are_listed_before_those_of_the_causes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["strategies", "list", "--json"]) == 0
    first, *others = json.loads(capsys.readouterr().out)["strategies"]
    assert (first["name"], first["from"]) == ("mine", f"{folder}/s.yaml:1:1")
    assert {each["from"] for each in others} == {"built in"}
    assert "rollback_deployment" in {each["name"] for each in others}


def test_a_built_in_one_is_shown_as_yaml_that_could_be_declared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["strategies", "show", "rollback_deployment"]) == 0
    path = tmp_path / "shown.yaml"
    path.write_text(capsys.readouterr().out)
    assert run(["strategies", "lint", str(path)]) == 0


def test_a_wrong_folder_ends_with_one_here_and_in_the_check_of_the_settings(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "t.yaml").write_text(a_strategy("{action: restart_workloat}", name="t"))
    for command in (["strategies", "lint"], ["config", "check"]):
        assert run(command) == 1
        assert f"{folder}/t.yaml:8:8: spec.steps[0].action: there is no action" in capsys.readouterr().err


def test_the_cases_of_the_documents_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["strategies", "test", str(EXAMPLES / "strategy-cases.yaml"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (len(told["cases"]), told["failed"]) == (4, 0)


@pytest.mark.parametrize(
    ("expect", "wrong"),
    [
        ("[{action: rollback_deployment}]", "step 1 is restart_workload of mine, not rollback_deployment"),
        ("[]", "1 steps (restart_workload of mine), not 0"),
        ("[{strategy: mine, action: restart_workload, parameters: {a: 1}}]", "step 1: a is None, not 1"),
    ],
)
def test_other_steps_than_expected_end_with_one_and_are_said(
    folder: Path, expect: str, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = folder / "cases.txt"
    cases.write_text(f"strategies: s.yaml\ncases:\n  - name: one\n    expect: {expect}\n")
    assert run(["strategies", "test", str(cases)]) == 1
    assert f"✗ one: {wrong}" in capsys.readouterr().out


def test_the_custom_resource_is_printed_for_kubectl(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["strategies", "crd"]) == 0
    kinds = [document["kind"] for document in yaml.safe_load_all(capsys.readouterr().out)]
    assert kinds == ["CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"]
