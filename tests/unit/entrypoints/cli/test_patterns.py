"""`kubernaut patterns`, on a database of its own and with likeness of spelling."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kubernaut.adapters.embeddings.hashed import HashedEmbedder
from kubernaut.domain.errors import InputError
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern
from kubernaut.domain.lifecycle import Ending
from kubernaut.entrypoints.cli.main import run
from kubernaut.entrypoints.cli.session import ColourChoice, Session
from kubernaut.entrypoints.remembering import Memory, as_json, memory_of, parsed
from kubernaut.settings import load_settings

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def a_pattern(name: str, text: str, *, embedder: str = HashedEmbedder.name) -> Pattern:
    (vector,) = asyncio.run(HashedEmbedder().embed([text]))
    return Pattern(
        id=IncidentId(name), text=text, cause="image_not_found", action="rollback_deployment", ending=Ending.HEALED,
        seconds=75.0, at=LONG_AGO, embedder=embedder, vector=tuple(vector), namespace="shop", kind="Deployment",
        parameters={"revision": 6}, features=("the tag does not exist",), tokens=12,
    )  # fmt: skip


KNOWN = [
    a_pattern("inc-image", "image cannot be pulled, the tag does not exist"),
    replace(a_pattern("inc-memory", "container killed at its memory limit"), cause="memory_limit_too_low"),
    replace(a_pattern("inc-new", "service has no endpoints"), ending=Ending.UNDONE, namespace="billing"),
]


@pytest.fixture(autouse=True)
def remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNAUT_STORE__URL", f"sqlite:///{tmp_path / 'k.db'}")
    monkeypatch.setenv("KUBERNAUT_EMBEDDER__KIND", "hashed")
    store([*KNOWN[:2], replace(KNOWN[2], at=datetime.now(UTC) - timedelta(hours=1))])


def store(patterns: list[Pattern]) -> None:
    async def work() -> None:
        async with memory_of(load_settings()) as memory:
            await memory.patterns.add(patterns)

    asyncio.run(work())


def called(*arguments: str) -> int:
    return run(["patterns", *arguments], Session(ColourChoice.NEVER))


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert called(*arguments, "--json") == 0
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return answer


def names(answer: dict[str, object]) -> list[str]:
    found = answer["patterns"]
    assert isinstance(found, list)
    return [each["id"] for each in found]


def test_the_newest_is_listed_first_and_vectors_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    answer = told(capsys, "list")
    assert names(answer)[0] == "inc-new"
    assert all("vector" not in each and each["dimension"] == 384 for each in answer["patterns"])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--cause", "memory_limit_too_low"], ["inc-memory"]),
        (["-n", "billing"], ["inc-new"]),
        (["--outcome", "undone"], ["inc-new"]),
        (["--since-days", "2"], ["inc-new"]),
        (["--cause", "never_heard_of"], []),
        (["--limit", "1"], ["inc-new"]),
    ],
)
def test_a_list_is_narrowed(options: list[str], found: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert names(told(capsys, "list", *options)) == found


def test_a_search_gives_the_most_alike_first_with_its_likeness(capsys: pytest.CaptureFixture[str]) -> None:
    answer = told(capsys, "search", "killed at the memory limit")
    assert names(answer)[0] == "inc-memory"
    assert 0.4 < answer["patterns"][0]["likeness"] <= 1  # type: ignore[index]


def test_people_read_one_line_a_pattern(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["INCIDENT", "ENDED", "OUTCOME", "CAUSE", "ACTION", "NAMESPACE", "LIKENESS"]
    assert len(lines) == 4


def test_one_pattern_is_shown_with_its_strategy_and_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("show", "inc-image") == 0
    out = capsys.readouterr().out
    assert "rollback_deployment revision=6" in out
    assert "healed after 75 s" in out


def test_a_pattern_that_is_not_there_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("show", "inc-none") == 1
    assert "kubernaut patterns list" in capsys.readouterr().err


def test_a_blank_search_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("search", "   ") == 1
    assert "blank" in capsys.readouterr().err


def test_what_was_exported_is_imported_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "patterns.jsonl"
    assert told(capsys, "export", str(file)) == {"exported": 3, "file": str(file)}
    assert told(capsys, "forget", "inc-image", "inc-memory", "inc-new") == {"forgotten": 3}
    assert names(told(capsys, "list")) == []
    assert told(capsys, "import", str(file)) == {"imported": 3}
    first = parsed(file.read_text().splitlines()[0], 1)
    assert first.vector == pytest.approx(KNOWN[0].vector, abs=1e-6)
    assert replace(first, vector=KNOWN[0].vector) == KNOWN[0]
    assert sorted(names(told(capsys, "list"))) == ["inc-image", "inc-memory", "inc-new"]


def test_an_export_to_stdout_is_lines_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("export", "-") == 0
    assert len([json.loads(line) for line in capsys.readouterr().out.splitlines()]) == 3


def test_stdout_is_not_shared_by_patterns_and_report() -> None:
    assert called("export", "-", "--json") == 1


def test_a_file_with_a_bad_line_is_not_taken_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "patterns.jsonl"
    good = json.dumps(as_json(a_pattern("inc-good", "a text")))
    file.write_text(f"{good}\n{{}}\n")
    assert called("import", str(file)) == 1
    assert "line 2" in capsys.readouterr().err
    assert "inc-good" not in names(told(capsys, "list"))


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[]",
        '{"id": "inc-1"}',
        json.dumps({**as_json(KNOWN[0]), "vector": []}),
        json.dumps({**as_json(KNOWN[0]), "vector": [0.0] * 384}),
        json.dumps({**as_json(KNOWN[0]), "ending": "well"}),
        json.dumps({**as_json(KNOWN[0]), "text": " "}),
        json.dumps({**as_json(KNOWN[0]), "id": ""}),
        "x" * (1024 * 1024 + 1),
    ],
    ids=["words", "list", "too little", "no vector", "no direction", "no such ending", "blank", "nameless", "too long"],
)
def test_what_is_no_pattern_is_refused_by_its_line(line: str) -> None:
    with pytest.raises(InputError, match="line 7"):
        parsed(line, 7)


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called("import", str(tmp_path / "nothing")) == 2
    assert "nothing" in capsys.readouterr().err


def test_what_another_model_embedded_is_found_after_it_was_embedded_anew(capsys: pytest.CaptureFixture[str]) -> None:
    store([a_pattern("inc-foreign", "disk pressure on the node", embedder="another-model")])
    assert "inc-foreign" not in names(told(capsys, "search", "disk pressure on the node"))
    assert told(capsys, "reembed") == {"embedded": 1, "embedder": "hashed-spelling-384"}
    assert names(told(capsys, "search", "disk pressure on the node"))[0] == "inc-foreign"
    assert told(capsys, "reembed")["embedded"] == 0


def test_forgetting_what_is_not_remembered_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("forget", "inc-none") == 1
    assert "none of these" in capsys.readouterr().err


def test_a_store_is_not_copied_into_itself() -> None:
    assert called("migrate", "--from", "embedded", "--to", "embedded") == 1


def test_an_unknown_store_is_wrong_use() -> None:
    assert called("migrate", "--from", "embedded", "--to", "chroma") == 2


def test_weaviate_without_an_address_names_the_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("migrate", "--from", "embedded", "--to", "weaviate") == 1
    assert "memory.url" in capsys.readouterr().err


def test_patterns_are_copied_to_pgvector_and_searched_there(
    vector_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBERNAUT_MEMORY__URL", vector_url)
    assert told(capsys, "migrate", "--from", "embedded", "--to", "pgvector")["copied"] == 3
    monkeypatch.setenv("KUBERNAUT_MEMORY__STORE", "pgvector")
    assert names(told(capsys, "search", "killed at the memory limit"))[0] == "inc-memory"


def test_with_its_external_store_down_the_memory_answers_from_the_embedded_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBERNAUT_MEMORY__STORE", "pgvector")
    monkeypatch.setenv("KUBERNAUT_MEMORY__URL", "postgresql://nobody@127.0.0.1:1/none")
    assert len(names(told(capsys, "list"))) == 3


@pytest.mark.parametrize("missing", ["MODEL", "BASE_URL", "DIMENSION"])
def test_an_endpoint_is_declared_whole(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = {"KIND": "openai", "MODEL": "m", "BASE_URL": "http://127.0.0.1:1/v1", "DIMENSION": "8"}
    for name, value in declared.items():
        if name != missing:
            monkeypatch.setenv(f"KUBERNAUT_EMBEDDER__{name}", value)
    assert called("list") == 1


async def test_a_search_asks_the_embedder_in_force() -> None:
    async with memory_of(load_settings()) as memory:
        assert isinstance(memory, Memory)
        assert memory.embedder.name == "hashed-spelling-384"
