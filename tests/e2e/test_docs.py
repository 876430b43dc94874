"""The commands and the paths that the documents name: each is run, or checked in the way that the table says."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from kubernaut.adapters.store import open_store
from kubernaut.entrypoints.reference import settings_page
from kubernaut.execution.describing import as_markdown as actions_page
from kubernaut.sandbox import Sandbox
from kubernaut.sandbox.scenarios import prepare_system
from kubernaut.sandbox.server import ThreadedSandbox
from tests.e2e.typing_commands import typed
from tests.worth import a_month, tell

# The process that commands are forked from is started once.
pytestmark = pytest.mark.xdist_group("documents")

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BIN = Path(sys.executable).parent
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NAMESPACE = "shop"


def blocks(language: str) -> list[tuple[str, str]]:
    return [
        (document.name, text)
        for document in DOCUMENTS
        for kind, text in BLOCK.findall(document.read_text(encoding="utf-8"))
        if kind == language
    ]


COMMANDS = sorted({line[2:] for _, text in blocks("console") for line in text.splitlines() if line.startswith("$ ")})


@pytest.fixture(scope="module")
def cluster() -> Iterator[ThreadedSandbox]:
    with Sandbox.start_in_thread(speed=20) as sandbox:
        sandbox.call(prepare_system)
        yield sandbox


@pytest.fixture
def environment(cluster: ThreadedSandbox, tmp_path: Path) -> dict[str, str]:
    """As a reader has it: the commands are found, the cluster is the current one, and nothing is left behind."""
    inherited = os.environ  # noqa: TID251  # of the programs that are started, not of ours
    kept = {key: value for key, value in inherited.items() if not key.startswith("KUBERNAUT_")}
    place = {"KUBECONFIG": str(cluster.kubeconfig()), "XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    return {**kept, **place, "PATH": f"{BIN}:{inherited['PATH']}"}


def runs(command: str, environment: dict[str, str], place: Path = ROOT) -> None:
    """It is run as it is printed, and ends well."""
    words = [NAMESPACE if word == "NAMESPACE" else word for word in shlex.split(command)]
    if words[0] == "kubectl" and not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    words[0] = words[0].removeprefix(".venv/bin/")
    if words[0] == "kubernaut":
        printed = typed(words, place, environment)
        assert printed.code == 0, printed.output + printed.errors
        return
    done = subprocess.run(words, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def saves_and_looks_back(command: str, environment: dict[str, str]) -> None:
    """Beside the project, not in it: the snapshot is made, and is then looked at as it is printed."""
    saving = next(known for known in COMMANDS if known.startswith("kubernaut snapshot "))
    after(saving, command, environment)


def remembers(command: str, environment: dict[str, str]) -> None:
    """Beside the project: what is read in was written out before."""
    after("kubernaut patterns export patterns.jsonl", command, environment)


# What a first command left behind, by that command: it is run once for all that come after it.
LEFT: dict[str, Path] = {}
INCIDENTS: dict[str, str] = {}


def after(first: str, command: str, environment: dict[str, str]) -> None:
    """It is run as it is printed where the first command was run before, and both end well."""
    place = Path(environment["HOME"])
    if first not in LEFT:
        runs(first, environment, place)
        LEFT[first] = place
    if place != LEFT[first]:
        shutil.copytree(LEFT[first], place, dirs_exist_ok=True)
    if command != first:
        runs(command, environment, place)


def is_a_target(command: str, environment: dict[str, str]) -> None:
    """CI makes it anyway; here only that there is such a target."""
    done = subprocess.run(
        [*shlex.split(command), "--dry-run"], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0


def has_its_options(command: str, _environment: dict[str, str]) -> None:
    """Too long to run here (other tests do): the command and every option of it exist."""
    program, *words = shlex.split(command)
    assert program.endswith("kubernaut")
    shown = help_of(next(word for word in words if not word.startswith("-")))
    missing = [word for word in words if word.startswith("-") and not re.search(rf"(^|\s){word}\b", shown)]
    assert missing == []


@cache
def help_of(name: str) -> str:
    """What the command says of itself."""
    return typed(["kubernaut", name, "--help"], ROOT, {}).output


def serves(command: str, environment: dict[str, str]) -> None:
    """It listens, answers, and ends cleanly when it is told to."""
    words = [*shlex.split(command), "--port", "0"]
    with subprocess.Popen(words, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("Listening on http://127.0.0.1:")
        finally:
            process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=30)
    assert process.returncode == 0, rest


def is_made_by_setup(_command: str, _environment: dict[str, str]) -> None:
    """`make setup` installs the very package, with what is locked."""
    assert (ROOT / "tools" / "setup").exists()


def asks_the_api(command: str, _environment: dict[str, str]) -> None:
    """The path is one of the API's; what it answers is tested with the API."""
    page = (ROOT / "docs" / "http-api.md").read_text(encoding="utf-8")
    assert re.search(r"127\.0\.0\.1:8080(/api/v1/\w+)", command)[1] in page  # type: ignore[index]


def reads_the_log(command: str, environment: dict[str, str]) -> None:
    """On a database with an incident in it, beside the project: it is run as it is printed, and ends well."""
    home = Path(environment["HOME"])
    file, incident = home / "kubernaut.sqlite", a_log(home)
    place = {**environment, "KUBERNAUT_STORE__URL": f"sqlite:///{file}"}
    runs(command.replace("INCIDENT", incident), place, home)


def a_log(home: Path) -> str:
    """The incident of a database in that folder; the first caller's database is copied for the others."""
    name = "kubernaut.sqlite"
    if name not in LEFT:
        store = open_store(f"sqlite:///{home / name}")
        [INCIDENTS[name]] = asyncio.run(tell(store.incidents, a_month(1)))
        store.close()
        LEFT[name] = home
    elif LEFT[name] != home:
        shutil.copy(LEFT[name] / name, home)
    return INCIDENTS[name]


def tries_a_policy(command: str, environment: dict[str, str]) -> None:
    """As `reads_the_log`, beside the examples that the project has."""
    shutil.copytree(ROOT / "docs", Path(environment["HOME"]) / "docs")
    reads_the_log(command, environment)


def is_measured(command: str, environment: dict[str, str]) -> None:
    """With fewer rounds and incidents than it is printed: what it prints is one JSON document."""
    _, script, *options = shlex.split(command)
    words = [sys.executable, script, *options, "--incidents", "50", "--rounds", "1"]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout)["incidents"] == 50


# The first words that fit decide how a command is checked.
HOW: dict[str, Callable[[str, dict[str, str]], None]] = {
    "make ": is_a_target,
    "pip install .": is_made_by_setup,
    "python bench/pages.py": is_measured,
    "curl ": asks_the_api,
    "kubernaut serve": serves,
    "kubernaut snapshot": saves_and_looks_back,
    "kubernaut diagnose --snapshot": saves_and_looks_back,
    "kubernaut diagnose": runs,
    "kubernaut actions": runs,
    "kubernaut rbac": runs,
    "kubernaut config check": runs,
    # Without a provider it ends with 1, as it should.
    "kubernaut models check": has_its_options,
    "kubernaut models": runs,
    "kubernaut patterns": remembers,
    "kubectl label ": runs,
    "kubernaut policy ": runs,
    "kubernaut value": reads_the_log,
    "kubernaut strategies ": runs,
    "kubernaut audit": reads_the_log,
    "kubernaut backtest": tries_a_policy,
    "kubernaut readiness": has_its_options,
    ".venv/bin/kubernaut demo": has_its_options,
    "kubernaut gameday": has_its_options,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_in_the_documents_works(command: str, environment: dict[str, str]) -> None:
    fitting = [check for start, check in HOW.items() if command.startswith(start)]
    assert fitting, f"nobody said how this is checked: {command}"
    fitting[0](command, environment)


def test_the_first_document_shows_how_to_try_and_how_to_test() -> None:
    assert {"make demo", "make test"} <= set(COMMANDS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_and_every_path_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    links += re.findall(r'(?:src|srcset)="([^"]+)"', text)
    paths = re.findall(r"`((?:src|docs|tests|tools|bench|requirements)/[\w./-]+)`", text)
    missing = [link for link in links if not (document.parent / link).exists()]
    missing += [path for path in paths if not (ROOT / path).exists()]
    assert missing == []


def test_examples_of_files_are_well_formed() -> None:
    for _, text in blocks("yaml"):
        assert yaml.safe_load(text)
    for _, text in blocks("json"):
        assert json.loads(text)


def test_the_page_of_settings_is_current() -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == settings_page()


def test_the_page_of_actions_is_current() -> None:
    assert (ROOT / "docs" / "actions.md").read_text(encoding="utf-8") == actions_page()


def test_every_dependency_has_its_reason() -> None:
    listed = (ROOT / "docs" / "decisions" / "001-dependencies.md").read_text(encoding="utf-8").lower()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = [entry for group in project["project"]["optional-dependencies"].values() for entry in group]
    named = [re.split(r"[^A-Za-z0-9-]", entry)[0] for entry in project["project"]["dependencies"] + extras]
    assert [name for name in named if f"| {name.lower()} " not in listed] == []


def test_the_picture_of_the_first_document_loads_nothing() -> None:
    for picture in (ROOT / "docs" / "images").glob("*.svg"):
        text = picture.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"url\(['\"]?http|href=|<script|@import", text)
