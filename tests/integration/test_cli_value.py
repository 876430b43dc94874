"""`kubernaut value`, `kubernaut backtest` and `kubernaut audit` on a real database, with good and bad input."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from kubernaut.adapters.store import open_store
from kubernaut.adapters.store.schema import metadata
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.proposals import Agreement
from kubernaut.entrypoints.cli.main import run
from tests.worth import a_month, tell, tell_decision, tell_proposal

PERIOD = ["--since", "2026-03-01", "--until", "2026-04-05"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[IncidentId]]:
    file = tmp_path_factory.mktemp("value") / "kubernaut.sqlite"
    store = open_store(f"sqlite:///{file}")
    ids = asyncio.run(tell(store.incidents, a_month(40)))
    store.close()
    return file, ids


@pytest.fixture
def database(told: tuple[Path, list[IncidentId]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    file = tmp_path / "copy.sqlite"
    file.write_bytes(told[0].read_bytes())
    monkeypatch.setenv("KUBERNAUT_STORE__URL", f"sqlite:///{file}")
    monkeypatch.setenv("KUBERNAUT_VALUE__MINUTES_BY_HAND", "25-42-70")
    monkeypatch.setenv("KUBERNAUT_VALUE__WAGE_USD_PER_HOUR", "70")
    return file


def tamper(file: Path, statement: str) -> None:
    store = open_store(f"sqlite:///{file}")
    with store.database_engine.begin() as connection:
        connection.execute(text(statement))
    store.close()


@pytest.mark.usefixtures("database")
def test_the_table_shows_figures_with_their_assumptions(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["value", "report", *PERIOD, "--verify"]) == 0

    shown = capsys.readouterr().out
    assert "time_to_resolution, median" in shown
    assert "25 to 70" in shown
    assert "not computable" in shown


@pytest.mark.usefixtures("database")
def test_the_document_has_the_five_figures_of_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["value", "report", *PERIOD, "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert set(document["metrics"]) == {
        "time_to_resolution", "incidents_prevented", "cost_savings_usd", "efficiency_gain_percentage", "roi",
    }  # fmt: skip
    assert document["metrics"]["cost_savings_usd"]["low"] < document["metrics"]["cost_savings_usd"]["value"]
    assert len(document["lines"]) == document["incidents"]


@pytest.mark.usefixtures("database")
def test_two_calls_print_the_same_document(capsys: pytest.CaptureFixture[str]) -> None:
    run(["value", "report", *PERIOD, "--json"])
    first = capsys.readouterr().out
    run(["value", "report", *PERIOD, "--json"])

    assert capsys.readouterr().out == first


@pytest.mark.parametrize(
    ("form", "start"), [("html", b"<!doctype html>"), ("markdown", b"# Value"), ("csv", b"incident,")]
)
@pytest.mark.usefixtures("database")
def test_every_form_is_written_to_a_file(tmp_path: Path, form: str, start: bytes) -> None:
    out = tmp_path / "report"

    assert run(["value", "report", *PERIOD, "--format", form, "--out", str(out)]) == 0
    assert out.read_bytes().startswith(start)


@pytest.mark.usefixtures("database")
def test_a_pdf_is_the_same_file_for_the_same_events(tmp_path: Path) -> None:
    pytest.importorskip("fpdf")
    files = [tmp_path / "one.pdf", tmp_path / "two.pdf"]

    for file in files:
        assert run(["value", "report", *PERIOD, "--format", "pdf", "--out", str(file)]) == 0

    assert files[0].read_bytes().startswith(b"%PDF")
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.usefixtures("database")
def test_the_csv_has_a_line_an_incident(capsys: pytest.CaptureFixture[str]) -> None:
    run(["value", "report", *PERIOD, "--format", "csv"])

    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 40
    assert float(rows[0]["time_to_resolution_s"]) > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "3x"], "give 30d"),
        (["--since", "2027-01-01", "--until", "2026-01-01"], "ends before it begins"),
        ([*PERIOD, "--minutes-by-hand", "70-25"], "LOW-MIDDLE-HIGH"),
        ([*PERIOD, "--minutes-by-hand", "many"], "LOW-MIDDLE-HIGH"),
        ([*PERIOD, "--format", "pdf"], "not for a terminal"),
        ([*PERIOD, "--off-arm", "missing.jsonl"], "missing.jsonl"),
        ([*PERIOD, "--server", "http://127.0.0.1:9", "--wage", "3"], "need the database"),
        ([*PERIOD, "--format", "html", "--out", "no/such/folder/file"], "make it first"),
    ],
)
@pytest.mark.usefixtures("database")
def test_bad_input_is_refused_with_what_to_give(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(["value", "report", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("database")
def test_an_assumption_on_the_command_line_moves_the_money(capsys: pytest.CaptureFixture[str]) -> None:
    saved = []
    for wage in ("70", "140"):
        run(["value", "report", *PERIOD, "--wage", wage, "--json"])
        saved.append(json.loads(capsys.readouterr().out)["metrics"]["cost_savings_usd"]["value"])

    assert saved[1] == pytest.approx(2 * saved[0])


def test_no_report_rests_on_events_that_were_changed(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tamper(database, "UPDATE events SET body = '{}' WHERE seq = 5")

    assert run(["value", "report", *PERIOD, "--verify"]) == 1
    assert "not as they were appended" in capsys.readouterr().err


@pytest.mark.usefixtures("database")
def test_an_exported_log_serves_as_the_off_arm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "off.jsonl"
    assert run(["audit", "export", "--out", str(out)]) == 0

    assert run(["value", "report", *PERIOD, "--off-arm", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counterfactual"] == "off arm, measured, n = 40"


@pytest.mark.usefixtures("database")
def test_a_file_that_is_no_export_is_named_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "odd.jsonl"
    out.write_text('{"incident": 3}\n')

    assert run(["value", "report", *PERIOD, "--off-arm", str(out)]) == 1
    assert "odd.jsonl:1 is no event" in capsys.readouterr().err


def test_a_database_that_is_not_there_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "missing.sqlite"
    monkeypatch.setenv("KUBERNAUT_STORE__URL", f"sqlite:///{file}")

    assert run(["audit", "verify"]) == 1
    assert "there is no database" in capsys.readouterr().err
    assert not file.exists()


@pytest.mark.usefixtures("database")
def test_verify_prints_the_head_and_takes_it_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "verify", "--json"]) == 0
    head = json.loads(capsys.readouterr().out)["head"]

    assert run(["audit", "verify", "--head", head[:16]]) == 0
    assert run(["audit", "verify", "--head", "0" * 16]) == 1
    assert "does not go through" in capsys.readouterr().out


def test_verify_names_the_first_bad_event(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tamper(database, "DELETE FROM events WHERE seq = 9")

    assert run(["audit", "verify", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["broken"]["seq"] == 10
    assert document["events"] == 8


@pytest.mark.usefixtures("database")
def test_a_head_that_is_too_short_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "verify", "--head", "abc"]) == 2
    assert "at least 12" in capsys.readouterr().err


def test_an_incident_is_rebuilt_and_compared(
    database: Path, told: tuple[Path, list[IncidentId]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["audit", "reconstruct", told[1][0]]) == 0
    assert "equals the stored row" in capsys.readouterr().out

    tamper(database, "UPDATE incidents SET body = replace(body, 'KubePodNotReady', 'Other')")
    assert run(["audit", "reconstruct", told[1][0], "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["differences"][0]["field"] == "alert"


@pytest.mark.usefixtures("database")
def test_an_unknown_incident_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "reconstruct", "inc-zzz"]) == 1
    assert "no incident" in capsys.readouterr().err


@pytest.mark.usefixtures("database")
def test_proposals_are_reported_as_a_table_and_as_a_document(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(f"sqlite:///{database}")
    one = a_month(1)[0]
    asyncio.run(tell_proposal(store.incidents, replace(one, name="print-shadow"), Agreement.BY_ITSELF, 3.0))
    store.close()

    assert run(["value", "shadow", *PERIOD]) == 0
    assert "would have been wrong" in capsys.readouterr().out
    assert run(["value", "shadow", *PERIOD, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["agreements"] == [["by_itself", 1]]
    assert (document["wrong"]["value"], document["cases"][0]["minutes"]) == (1.0, 3.0)


@pytest.mark.usefixtures("database")
def test_a_backtest_reads_the_database_and_prints_a_table_or_a_document(
    database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "other.yaml"
    policy.write_text('version: 1\nrules: [{name: careful, when: "true", then: ask}]\n', encoding="utf-8")
    store = open_store(f"sqlite:///{database}")
    asyncio.run(tell_decision(store.incidents, "print-1"))
    store.close()
    before = database.read_bytes()

    assert run(["backtest", *PERIOD, "--policy", str(policy)]) == 0
    assert "careful" in capsys.readouterr().out
    assert run(["backtest", *PERIOD, "--policy", str(policy), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["changes"] == [["act rollback_deployment", "ask rollback_deployment", 1]]
    assert database.read_bytes() == before

    policy.write_text('version: 1\nrules: [{name: careful, when: "nobody", then: ask}]\n', encoding="utf-8")
    assert run(["backtest", *PERIOD, "--policy", str(policy)]) == 1
    assert "line 2" in capsys.readouterr().err


def test_without_any_table_but_that_of_events_every_report_is_the_same_to_the_cent(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(f"sqlite:///{database}")
    asyncio.run(tell_decision(store.incidents, "print-2"))
    asyncio.run(tell_proposal(store.incidents, replace(a_month(1)[0], name="print-3"), Agreement.SAME_CHANGE, 9.0))
    store.close()
    reports = (
        ["value", "report", *PERIOD, "--json"],
        ["value", "report", *PERIOD, "--format", "csv"],
        ["value", "shadow", *PERIOD, "--json"],
        ["value", "summary", *PERIOD, "--json"],
        ["backtest", *PERIOD, "--json"],
    )

    def written() -> list[str]:
        for command in reports:
            assert run(command) == 0
        return capsys.readouterr().out.splitlines()

    before = written()
    # Past the store, which holds that every event has its incident.
    with closing(sqlite3.connect(database)) as connection, connection:
        emptied = [table.name for table in metadata.sorted_tables if table.name != "events"]
        rows = sum(connection.execute(f"DELETE FROM {name}").rowcount for name in emptied)  # noqa: S608  # ours

    assert rows > 40
    assert "cost_savings_usd" in "".join(before)
    assert written() == before
