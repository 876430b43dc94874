"""What a short ticket does not show is doubted, and not taken for something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubernaut.entrypoints.cli.main import run

RECORDED = Path(__file__).parents[2] / "data" / "transcripts"


def told(name: str, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert run(["diagnose", "--snapshot", str(RECORDED / name), "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)["incidents"][0]
    return found


def test_a_pod_whose_node_a_table_leaves_out_does_not_wait_for_the_scheduler(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "scheduler_silent" not in json.dumps(told("crash-loop.txt", capsys))


def test_an_end_that_was_not_seen_is_not_called_a_good_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert "ends with code 0" not in json.dumps(told("crash-loop.txt", capsys))


# The more sources agree, the surer: the first ticket shows the change as well, and what it is worth with all lists read
# is 0.97.
@pytest.mark.parametrize(("name", "most"), [("image-pull.txt", 0.9), ("pending.txt", 0.75)])
def test_what_is_seen_in_part_counts_in_part(name: str, most: float, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(name, capsys)
    assert 0.0 < float(str(found["confidence"])) < most
    assert found["verdict"] != "act"
