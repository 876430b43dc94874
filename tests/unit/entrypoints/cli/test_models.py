"""`kubernaut models` as it is typed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from kubernaut.entrypoints.cli.main import run
from kubernaut.entrypoints.cli.session import ColourChoice, Session
from kubernaut.entrypoints.reports import ModelFigures, ModelTrial
from kubernaut.impact.ai_metrics import analysis_metrics
from kubernaut.impact.calibration import calibration
from kubernaut.impact.recomputing import Accuracy, Difference
from kubernaut.settings import Settings
from tests.unit.impact.test_ai_metrics import K, asked, call, history

READY = ModelTrial("local", "openai-compatible", "small", "", "", 1.25, 0.0021)
BROKEN = ModelTrial("backup", "openai", "large", "auth", "backup:large: auth (HTTP 401)", 0.1, 0.0)


class Doors:
    """A program whose answers are given."""

    def __init__(self, *trials: ModelTrial, accuracy: Accuracy | None = None) -> None:
        self.trials = trials
        self.accuracy = accuracy or Accuracy(1, 10, ())
        self.since = timedelta()

    async def try_models(self, settings: Settings) -> Sequence[ModelTrial]:  # noqa: ARG002
        return self.trials

    async def model_figures(self, settings: Settings, since: timedelta) -> ModelFigures:  # noqa: ARG002
        self.since = since
        told = history((K.MODEL_ASKED, asked(call("a:x", "hang"), call("b:y"), cause="c", cited=2, accepted=1)))
        return ModelFigures(1, analysis_metrics([told]), self.accuracy, calibration([told]))


def called(*arguments: str, doors: Doors | None = None) -> int:
    return run(["models", *arguments], Session(ColourChoice.NEVER, doors or Doors(READY)))  # type: ignore[arg-type]


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "kubernaut.yaml"
    path.write_text(
        "models: {providers: [{name: local, model: small, endpoint: 'http://127.0.0.1:9/v1', tokens_per_day: 500,"
        " key_env: THE_KEY}]}"
    )
    return str(path)


def test_the_providers_are_listed_in_their_order_with_the_rules_last(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called("list", "--config", config) == 0
    _, first, last = capsys.readouterr().out.splitlines()
    assert first.split()[:3] == ["1", "local", "openai-compatible"]
    assert "500 tokens a day" in first
    assert last.split()[:2] == ["2", "rules"]


def test_the_list_for_scripts_holds_no_key(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert called("list", "--config", config, "--json") == 0
    out = capsys.readouterr().out
    assert [one["name"] for one in json.loads(out)["providers"]] == ["local"]
    assert "THE_KEY" not in out


def test_a_check_ends_well_where_one_provider_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("check", doors=Doors(BROKEN, READY)) == 0
    out = capsys.readouterr().out
    assert "Order now: local → rules." in out
    assert "help: put a valid key into the key file" in out


def test_a_check_fails_where_no_provider_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("check", doors=Doors(BROKEN)) == 1
    assert "Order now: rules." in capsys.readouterr().out


def test_a_check_without_providers_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("check", "--json", doors=Doors()) == 1
    assert json.loads(capsys.readouterr().out) == {"providers": [], "order": ["rules"]}


def test_a_check_for_scripts_names_the_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("check", "--json", doors=Doors(BROKEN, READY)) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["works"], one["failure"]) for one in found["providers"]] == [
        ("backup", False, "auth"),
        ("local", True, ""),
    ]


def test_the_metrics_are_told_with_how_many_of_them_agree(capsys: pytest.CaptureFixture[str]) -> None:
    doors = Doors()
    assert called("metrics", "--days", "7", doors=doors) == 0
    out = capsys.readouterr().out
    assert doors.since == timedelta(days=7)
    assert "ai_request_count    2" in out
    assert "evidence_support    0.5, n = 2" in out
    assert "calibration_error   not computable: nothing was applied and verified" in out
    assert "hang 1" in out
    assert "100.00 % of 10 figures agree, n = 1" in out


def test_figures_that_do_not_agree_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = Accuracy(1, 10, (Difference("inc-1", "tokens", 5.0, 6.0),))
    assert called("metrics", doors=Doors(accuracy=wrong)) == 0
    out = capsys.readouterr().out
    assert "90.00 % of 10 figures agree" in out
    assert "inc-1 tokens: 5.0 or 6.0" in out


def test_metrics_of_nothing_say_that_nothing_was_finished(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("metrics", doors=Doors(accuracy=Accuracy(0, 0, ()))) == 0
    assert "Recomputed from the events alone: no finished incident" in capsys.readouterr().out


def test_the_metrics_for_scripts_are_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("metrics", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["accuracy"] == 1.0
    assert found["metrics"]["providers"]["b:y"]["answered"] == 1


@pytest.mark.parametrize("arguments", [("metrics", "--days", "0"), ("chekc",), ("check", "--fast")])
def test_wrong_use_ends_with_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert called(*arguments) == 2
    assert "kubernaut models --help" in capsys.readouterr().err


def test_settings_that_cannot_be_read_end_with_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert called("list", "--config", str(tmp_path)) == 1
    assert "directory" in capsys.readouterr().err
