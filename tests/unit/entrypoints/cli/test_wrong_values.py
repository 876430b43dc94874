"""A value that an option does not take ends with 2, names the option, and says what would do, in every command."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest
from typer.main import get_command

from kubernaut.adapters.store import open_store
from kubernaut.entrypoints.cli.main import COMMANDS, run

# Each with the option that the message has to name, and a part of what it says to do.
WRONG = [
    ("demo --scenario nope", "", "there are: "),
    ("demo --port banana", "--port", "valid integer"),
    ("demo --speed 0", "--speed", "greater than or equal to 1"),
    ("diagnose --alert nope.json", "--alert", "does not exist"),
    ("diagnose --snapshot nope", "--snapshot", "does not exist"),
    ("diagnose --kubeconfig nope", "--kubeconfig", "does not exist"),
    ("snapshot -o nope/x.tar.gz", "-o", "make it first"),
    ("serve --port 70000", "--port", "65535"),
    ("incidents list --ending nope", "--ending", '"healed"'),
    ("incidents list --limit 0", "--limit", "greater than or equal to 1"),
    ("incidents list --server banana", "--server", "http://"),
    ("incidents show inc-1 --server banana", "--server", "http://"),
    ("incidents list --text \udcff", "'\\udcff'", "UTF-8"),
    ("patterns list --cause \udcff", "'\\udcff'", "UTF-8"),
    ("audit reconstruct \udcff", "'\\udcff'", "UTF-8"),
    ("incidents list --server http://[::1", "--server", "such as http://"),
    ("suspend --server http://a\x7fb --yes --reason x", "--server", "such as http://"),
    ("incidents approve inc-1 --set day=2026-02-30 --yes --reason x", "--set", "not a value"),
    ("patterns list --since-days 1e400", "--since-days", "36500"),
    ("incidents show / --server http://127.0.0.1:9", "an id", "the start of it"),
    ("incidents approve inc-1 --set banana --yes --reason x", "--set", '"--set replicas=4"'),
    ("incidents reject inc-1 --server banana --yes --reason x", "--server", "http://"),
    ("incidents undo inc-1 --server banana --yes --reason x", "--server", "http://"),
    ("value report --since banana", "--since", "30d, 12h, 4w or a date"),
    ("value report --until banana", "--until", "a date such as"),
    ("value report --since 2026-11-02 --until 2026-11-01", "--since", "earlier"),
    ("value report --format nope", "--format", '"csv"'),
    ("value report --format pdf", "--format", "--out value.pdf"),
    ("value report --out nope/x.html", "--out", "make it first"),
    ("value report --off-arm nope.jsonl", "--off-arm", "does not exist"),
    ("value report --minutes-by-hand banana", "--minutes-by-hand", "LOW-MIDDLE-HIGH"),
    ("value report --wage -5", "--wage", "LOW-MIDDLE-HIGH"),
    ("value report --downtime 5-1", "--downtime", "LOW-MIDDLE-HIGH"),
    ("value report --cost banana", "--cost", "LOW-MIDDLE-HIGH"),
    ("value report --server banana", "--server", "http://"),
    ("value report --server http://127.0.0.1:9 --verify", "--server", "database"),
    ("value report --since 0001-01-01", "--since", "from 1970 to 2999"),
    ("value report --since 99999w", "--since", "from 1970 to 2999"),
    ("value report --until 9999-12-31", "--until", "from 1970 to 2999"),
    ("value shadow --since banana", "--since", "30d, 12h, 4w or a date"),
    ("value shadow --server banana", "--server", "http://"),
    ("value summary --since banana", "--since", "30d, 12h, 4w or a date"),
    ("value summary --until banana", "--until", "a date such as"),
    ("audit verify --head banana", "--head", "characters of the hash"),
    ("audit export --out nope/x", "--out", "make it first"),
    ("backtest --policy nope.yaml", "--policy", "does not exist"),
    ("backtest --strategies nope", "--strategies", "does not exist"),
    ("backtest --autonomy nope", "--autonomy", '"observe"'),
    ("backtest --model nope", "--model", "there are: rules"),
    ("backtest --most-questions 0", "--most-questions", "greater than or equal to 1"),
    ("backtest --since banana", "--since", "30d, 12h, 4w or a date"),
    ("backtest --since 0001-01-01", "--since", "from 1970 to 2999"),
    ("backtest --until banana", "--until", "a date such as"),
    ("readiness --only nope", "", "there are: "),
    ("readiness --soak 5", "--soak", "60"),
    ("readiness --html nope/x.html", "--html", "make it first"),
    ("readiness --markdown nope/x.md", "--markdown", "make it first"),
    ("suspend --server banana --reason x", "--server", "http://"),
    ("resume --server banana", "--server", "http://"),
    ("policy lint nope.yaml", "file", "does not exist"),
    ("policy test nope.yaml", "file", "does not exist"),
    ("policy explain inc-1 --server banana", "--server", "http://"),
    ("strategies lint nope", "places", "does not exist"),
    ("strategies test nope.yaml", "file", "does not exist"),
    ("gameday --sandbox --faults nope", "", "nope"),
    ("gameday --sandbox --seed banana", "--seed", "valid integer"),
    ("gameday clean --kubeconfig nope", "--kubeconfig", "does not exist"),
    ("rbac render --actions nope", "--actions", "kubernaut actions list"),
    ("rbac render --namespace a/b", "--namespace", "no name of a namespace"),
    ("rbac render --account banana", "--account", "no name of a namespace"),
    ("models metrics --days 0", "--days", "0.01"),
    ("patterns list --outcome nope", "--outcome", '"healed"'),
    ("patterns list --since-days banana", "--since-days", "valid number"),
    ("patterns search text --limit 0", "--limit", "greater than or equal to 1"),
    ("patterns export nope/x", "file", "make it first"),
    ("patterns import nope.jsonl", "file", "does not exist"),
    ("patterns migrate --from nope --to embedded", "--from", '"embedded"'),
]


@dataclass(frozen=True)
class Taken:
    """A parameter of a command; a flag takes no value."""

    name: str
    required: bool
    flag: bool


def commands() -> list[tuple[str, list[Taken]]]:
    """Every command with its parameters; typer keeps their types to itself."""
    found = []

    def walk(name: str, command: object) -> None:
        below = getattr(command, "commands", {})
        for each, subcommand in below.items():
            walk(f"{name} {each}", subcommand)
        if not below or getattr(command, "invoke_without_command", False):
            taken = [
                Taken(each.name, each.required, getattr(each, "is_flag", False))
                for each in getattr(command, "params", [])
            ]
            found.append((name, taken))

    for name, (module, _) in COMMANDS.items():
        walk(name, get_command(import_module(f"kubernaut.entrypoints.cli.{module}").app))
    return found


def takes_settings() -> list[str]:
    """Every command that has `--config`, with what else it must be given."""
    more = {
        "incident": "inc-1",
        "incidents": "inc-1",
        "strategy": "x",
        "text": "x",
        "file": "-",
        "output": "-o x.tar.gz",
    }
    return [
        " ".join([name, *(more[each.name] for each in taken if each.required and each.name in more)])
        for name, taken in commands()
        if any(each.name == "config" for each in taken)
    ]


@pytest.fixture(autouse=True)
def an_empty_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBERNAUT_STORE__URL", "sqlite:///empty.sqlite")
    open_store("sqlite:///empty.sqlite").close()


@pytest.mark.parametrize(("command", "option", "fix"), WRONG, ids=[command for command, *_ in WRONG])
def test_a_wrong_value_is_wrong_use_with_the_option_and_the_fix(
    command: str, option: str, fix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command.split()) == 2

    told = capsys.readouterr()
    assert told.err.startswith(f"error: {option}")
    assert fix in told.err
    assert "help: kubernaut" in told.err
    assert not told.out


@pytest.mark.parametrize("command", takes_settings())
def test_settings_that_are_not_there_are_wrong_use_everywhere(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), "--config", "nope.yaml"]) == 2
    assert "--config: nope.yaml does not exist" in capsys.readouterr().err


def test_no_command_that_takes_a_value_is_left_out() -> None:
    # Any word may be the name, the reason or the id that these take; whether it exists, the service or the store knows.
    known_elsewhere = {"incident", "incidents", "strategy", "action", "reason", "by", "namespace", "config", "context"}
    rows = [command for command, *_ in WRONG]

    left_out = [
        name
        for name, taken in commands()
        if any(not each.flag and each.name not in known_elsewhere for each in taken)
        and not any(f"{row} ".startswith(f"{name} ") for row in rows)
    ]

    assert left_out == []


def test_wrong_use_is_one_document_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["value", "report", "--since", "banana", "--json"]) == 2

    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "wrong_use"
    assert error["message"].startswith("--since banana: give 30d")


def test_what_was_used_rightly_and_failed_is_no_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.yaml").write_text("version: 9\n", encoding="utf-8")

    assert run(["policy", "lint", "bad.yaml"]) == 1
    assert run(["backtest", "--policy", "bad.yaml"]) == 1
    assert "bad.yaml" in capsys.readouterr().err
