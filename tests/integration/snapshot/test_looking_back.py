"""`kubernaut diagnose --snapshot` as it is called: the whole program over a recorded ticket."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubernaut.entrypoints.cli.main import run
from kubernaut.entrypoints.cli.session import ColourChoice, Session

RECORDED = Path(__file__).parents[2] / "data" / "transcripts"


def called(*arguments: str) -> int:
    return run(arguments, Session(ColourChoice.NEVER))


def alert(folder: Path, **labels: str) -> str:
    body = {
        "version": "4",
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "KubePodCrashLooping", **labels},
                "annotations": {},
                "startsAt": "2025-06-03T07:45:00Z",
                "endsAt": "0001-01-01T00:00:00Z",
            }
        ],
    }
    path = folder / "alert.json"
    path.write_text(json.dumps(body))
    return str(path)


def test_a_ticket_is_diagnosed_and_the_gaps_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("diagnose", "--snapshot", str(RECORDED / "crash-loop.txt"), "--json", "--exit-code") == 3
    document = json.loads(capsys.readouterr().out)
    (found,) = document["incidents"]
    assert (found["cause"], found["target"]["kind"], found["target"]["name"]) == (
        "memory_limit_too_low",
        "Deployment",
        "api",
    )
    assert document["read"]["taken_at"] == "2025-06-03T07:57:44+00:00"
    assert "deployments in payments" in {gap["what"] for gap in document["not_read"]}


def test_an_alert_about_a_pod_leads_to_its_workload(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = alert(tmp_path, namespace="payments", pod="api-6d5f8c7b9f-x2k4q")
    assert called("diagnose", "--snapshot", str(RECORDED / "crash-loop.txt"), "--alert", path, "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)["incidents"]
    assert found["target"]["name"] == "api"


def test_an_alert_about_what_the_ticket_does_not_show_is_not_taken_for_health(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = alert(tmp_path, namespace="payments", deployment="ledger")
    assert called("diagnose", "--snapshot", str(RECORDED / "crash-loop.txt"), "--alert", path, "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)["incidents"]
    assert (found["cause"], found["verdict"]) == ("unknown", "escalate")
    assert "could not be read" in found["summary"]


def test_a_namespace_that_is_not_shown_is_an_error_that_names_those_that_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert called("diagnose", "--snapshot", str(RECORDED / "crash-loop.txt"), "-n", "shop") == 1
    assert "it shows: payments" in capsys.readouterr().err


def test_a_path_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("diagnose", "--snapshot", "nowhere.tar.gz") == 2
    assert "nowhere.tar.gz does not exist" in capsys.readouterr().err
