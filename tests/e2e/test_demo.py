"""The demo as a new user runs it: the whole product on a simulated cluster, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).parent / "kubernaut"


@pytest.mark.slow
def test_every_scenario_of_the_demo_ends_rightly_and_no_control_is_touched() -> None:
    done = subprocess.run(
        [PROGRAM, "demo", "--once", "--json"], capture_output=True, text=True, check=False, timeout=300
    )
    report = json.loads(done.stdout)
    wrong = [scenario for scenario in report["scenarios"] if not scenario["passed"]]
    controls = [scenario for scenario in report["scenarios"] if scenario["control"]]

    assert wrong == [], json.dumps(wrong)
    assert done.returncode == 0, done.stderr
    assert (report["failed"], report["passed"]) == (0, len(report["scenarios"]))
    assert len(report["scenarios"]) >= 12
    assert len(controls) >= 2
    assert all(scenario["actions"] == [] for scenario in controls)
    assert {scenario["outcome"] for scenario in report["scenarios"]} >= {"healed", "undone", "escalated", "declined"}
