"""Saved clusters with a fault, or with none, written without a look at the rules: what is said first of each."""

from __future__ import annotations

import asyncio
import json
import tarfile
from pathlib import Path

import pytest
import yaml

from kubernaut.domain.diagnosis import Hypothesis, Verdict
from kubernaut.entrypoints.doors import DiagnosisRequest
from kubernaut.entrypoints.looking import look
from kubernaut.settings import Settings

SAVED = Path(__file__).parents[2] / "data" / "clusters"
EXPECTED = yaml.load((SAVED / "expected.yaml").read_text(), Loader=yaml.CSafeLoader)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clusters")
    with tarfile.open(SAVED / "saved.tar.xz") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                (folder / Path(member.name).name).write_bytes(content.read())
    return folder


def said_first(saved: Path, alert: dict[str, str] | None) -> Hypothesis | None:
    """The best hypothesis about what the alert names, or of the whole cluster; None where nothing is wrong."""
    body = {"version": "4", "alerts": [{"status": "firing", "labels": alert, "startsAt": "2026-03-12T13:50:00Z"}]}
    asked = saved.with_suffix(".json")
    asked.write_text(json.dumps(body))
    request = DiagnosisRequest(Settings(), "", asked if alert else None, saved)
    findings = asyncio.run(look(request)).findings
    return findings[0].best if findings else None


@pytest.mark.parametrize("name", [name for name, right in EXPECTED.items() if right["causes"]])
def test_the_cause_of_a_saved_fault_is_said_first_and_nothing_is_done_where_a_person_decides(
    name: str, unpacked: Path
) -> None:
    right = EXPECTED[name]
    best = said_first(unpacked / f"{name}.tar", right.get("alert"))
    assert best is not None, right["told"]
    assert best.cause in right["causes"], (right["told"], best.summary)
    assert not right.get("targets") or best.target.name in right["targets"], (right["told"], best.summary)
    if right["answer"] == "action":
        assert best.verdict in {Verdict.ACT, Verdict.APPROVE}
        assert best.remedies
    else:
        assert best.verdict is not Verdict.ACT


@pytest.mark.parametrize("name", [name for name, right in EXPECTED.items() if not right["causes"]])
def test_of_a_saved_cluster_that_only_looks_ill_nothing_is_to_be_done(name: str, unpacked: Path) -> None:
    best = said_first(unpacked / f"{name}.tar", EXPECTED[name].get("alert"))
    assert best is None or best.verdict is Verdict.DECLINE, best.summary
