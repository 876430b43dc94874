"""What a short ticket does not show is doubted, and not taken for something else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

RECORDED = Path(__file__).parents[2] / "data" / "transcripts"


def told(name: str) -> dict[str, object]:
    program = str(Path(sys.executable).parent / "kubernaut")
    words = [program, "diagnose", "--snapshot", str(RECORDED / name), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    found: dict[str, object] = json.loads(done.stdout)["incidents"][0]
    return found


def test_a_pod_whose_node_a_table_leaves_out_does_not_wait_for_the_scheduler() -> None:
    assert "scheduler_silent" not in json.dumps(told("crash-loop.txt"))


def test_an_end_that_was_not_seen_is_not_called_a_good_one() -> None:
    assert "ends with code 0" not in json.dumps(told("crash-loop.txt"))


# The more sources agree, the surer: the first ticket shows the change as well, and what it is worth with all lists read
# is 0.97.
@pytest.mark.parametrize(("name", "most"), [("image-pull.txt", 0.9), ("pending.txt", 0.75)])
def test_what_is_seen_in_part_counts_in_part(name: str, most: float) -> None:
    assert 0.0 < float(str(told(name)["confidence"])) < most
    assert told(name)["verdict"] != "act"
