"""The commands that are printed beside the figures: each exists, takes its options, and repeats its figure."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from kubernaut.entrypoints.cli import readiness
from kubernaut.entrypoints.cli.main import run
from kubernaut.entrypoints.readiness.checklist import CHECKS
from kubernaut.entrypoints.readiness.ground import Ground
from kubernaut.entrypoints.readiness.verdicts import Check, Layer

CHEAP = [each for each in CHECKS if each.layer is Layer.UNIT] + [each for each in CHECKS if each.id in {"roi", "value"}]


def command_of(check: Check, options: str = "") -> list[str]:
    words = shlex.split(Ground(options=options).command(check.id))
    assert words[:2] == ["kubernaut", "readiness"]
    return words[2:]


@pytest.mark.parametrize("each", CHECKS, ids=lambda each: each.id)
def test_every_printed_command_parses_and_runs_its_own_check(
    each: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my settings.yaml").touch()
    command = get_command(readiness.app)

    for options in ("", " --quick", " --soak 120", " --config 'my settings.yaml'"):
        context = command.make_context("readiness", command_of(each, options))
        assert context.params["only"] == [each.id]


@pytest.mark.parametrize("each", CHEAP, ids=lambda each: each.id)
def test_a_printed_command_repeats_the_figure_beside_it(each: Check, capsys: pytest.CaptureFixture[str]) -> None:
    run(["readiness", "--json", "--only", each.id])
    [first] = json.loads(capsys.readouterr().out)["checks"]

    run([*shlex.split(first["command"])[1:], "--json"])
    [second] = json.loads(capsys.readouterr().out)["checks"]

    assert (second["id"], second["figure"], second["verdict"]) == (first["id"], first["figure"], first["verdict"])
    assert second["verdict"] == "pass"


def test_the_command_repeats_what_the_figure_depends_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "of the shop.yaml"
    settings.write_text("value: {minutes_by_hand: 5, wage_usd_per_hour: 10, cost_usd_per_month: 5000}\n")
    monkeypatch.chdir(tmp_path)

    assert run(["readiness", "--only", "roi", "--quick", "--config", str(settings), "--json"]) == 1

    [told] = json.loads(capsys.readouterr().out)["checks"]
    assert shlex.split(told["command"]) == [
        "kubernaut", "readiness", "--only", "roi", "--quick", "--config", str(settings),
    ]  # fmt: skip
    assert "declared in the settings" in told["figure"]


@pytest.mark.parametrize("seconds", ["59", "banana", "90s"])
def test_a_soak_that_is_no_number_of_seconds_from_60_is_wrong_use(seconds: str) -> None:
    assert run(["readiness", "--only", "availability", "--soak", seconds]) == 2


def test_every_item_of_the_plan_names_its_checks_and_every_check_is_described_once_built() -> None:
    page = Path(__file__).parents[4] / "docs" / "readiness.md"
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    named = set(re.findall(r"`([a-z-]+)`", " ".join(rows)))

    known = {each.id for each in CHECKS}
    assert named <= known
    assert all(each.measure is not None for each in CHECKS)
    assert {each.id for each in CHECKS if each.metric} <= named
