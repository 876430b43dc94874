"""The scored suite over HTTP, on a handful of faults and controls."""

from __future__ import annotations

import json

import pytest

from bench.diagnosis.__main__ import main
from bench.diagnosis.cases import FAULTS
from bench.diagnosis.running import Case, made, webhook

FEW = "7,20,39,47,79"


def test_a_run_finds_the_faults_and_leaves_the_controls_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "--faults", FEW, "--variants", "1", "--controls", "10"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["cases"] == told["right_cause"] == told["right_target"] == 6
    assert (told["controls"], told["actions_on_controls"]) == (10, 0)
    assert set(told["per_fault"]) == set(FEW.split(","))
    assert 0 < told["calls"]["max"] <= 40


def test_a_case_is_broken_in_the_same_way_each_time_it_is_made() -> None:
    case = Case(next(fault for fault in FAULTS if fault.name == "key_removed"), "StatefulSet", 3)
    (first, aim, alert), (second, again, also) = made(case), made(case)
    assert (aim, alert) == (again, also)
    assert webhook(first, aim, alert) == webhook(second, again, also)


def test_a_snapshot_says_the_same_as_the_cluster_it_was_taken_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "--faults", "18,43", "--variants", "1", "--controls", "0", "--on", "snapshot"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["agreement"] == {"compared": 2, "same": 2}
