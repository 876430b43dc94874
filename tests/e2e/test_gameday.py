"""`kubernaut gameday` as it is called: on the sandbox, on a cluster that is lent, interrupted, and cleared up after."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kubernaut.entrypoints.cli import gameday as command
from kubernaut.entrypoints.cli.main import run
from kubernaut.entrypoints.cli.session import ColourChoice, Session
from kubernaut.entrypoints.gaming import GamedayPlan, Lent, Prepared, on_cluster
from kubernaut.gameday.arms import Arm
from kubernaut.gameday.hand import RUN_LABEL
from kubernaut.gameday.playing import Pace
from kubernaut.gameday.results import Result
from kubernaut.gameday.run import Gameday
from kubernaut.gameday.simulated import publish
from kubernaut.sandbox import Sandbox
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import NAMESPACE
from kubernaut.sandbox.server import ThreadedSandbox
from kubernaut.sandbox.universe import Universe
from kubernaut.settings import Settings
from tests.unit.gameday.test_results import CONTROL, HEALED

PROGRAM = Path(sys.executable).with_name("kubernaut")


def called(*arguments: str) -> int:
    return run(["gameday", *arguments], Session(ColourChoice.NEVER))


@pytest.fixture
def lent() -> Iterator[ThreadedSandbox]:
    with Sandbox.start_in_thread(speed=20) as sandbox:
        sandbox.call(publish)
        yield sandbox


def spaces(universe: Universe) -> list[str]:
    found = [item.name for item in universe.cluster.storage.views(NAMESPACE)]
    return [name for name in found if name.startswith("gameday-")]


def until(sandbox: ThreadedSandbox, *, some: bool) -> list[str]:
    ends = time.monotonic() + 60
    while bool(found := sandbox.call(spaces)) != some:
        assert time.monotonic() < ends, found
        time.sleep(0.02)
    return found


STRATEGY = """\
apiVersion: kubernaut.ai/v1
kind: RemediationStrategy
metadata:
  name: back-as-it-was
spec:
  causes: [scaled_to_zero]
  when: target.kind in ["Deployment", "StatefulSet"]
  steps:
    - action: restore_replicas
"""


@pytest.mark.parametrize(
    ("text", "server", "why"),
    [
        ("", "", "it holds no strategy"),
        (STRATEGY.replace("restore_replicas", "pray"), "", "pray"),
        (STRATEGY, "http://127.0.0.1:9", "--server has its own settings"),
    ],
    ids=["none", "wrong", "elsewhere"],
)
def test_strategies_that_could_not_be_used_are_refused_before_anything_is_played(
    text: str, server: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text:
        (tmp_path / "strategies.yaml").write_text(text)
    (tmp_path / "kubeconfig").touch()
    where = ["--kubeconfig", str(tmp_path / "kubeconfig"), "--server", server] if server else ["--sandbox"]
    assert called(*where, "--strategies", str(tmp_path)) != 0
    told = capsys.readouterr()
    assert why in " ".join((told.out + told.err).split())


@pytest.mark.slow
def test_on_the_sandbox_kubernaut_heals_what_nothing_does_not_and_touches_no_control(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "strategies.yaml").write_text(STRATEGY)
    code = called(
        *("--sandbox", "--json", "--faults", "scaled-to-zero,not-ours", "--arms", "kubernaut,nothing"),
        *("--speed", "120", "--strategies", str(tmp_path)),
    )
    out = capsys.readouterr()
    document = json.loads(out.out)
    assert code == 0, out.err
    assert list(document) == ["arms", "problems", "not_played", "left_out"]
    assert document["not_played"] == []
    assert list(document["arms"]) == ["kubernaut", "nothing"]
    rows = {(row["fault"], row["arm"]): row for row in document["problems"]}
    assert rows["scaled-to-zero", "kubernaut"]["strategies"] == ["back-as-it-was"]
    assert document["arms"]["kubernaut"]["by_strategy"] == {"back-as-it-was": {"problems": 1, "healed": 1}}
    assert document["arms"]["nothing"]["by_strategy"] == {}
    assert set(rows["not-ours", "nothing"]) == {
        *("fault", "variant", "control", "policy", "arm", "healed", "verified"),
        *("mutations", "outside_target", "seconds"),
    }
    healed = rows["scaled-to-zero", "kubernaut"]
    assert (healed["healed"], healed["verified"], healed["outside_target"]) == (True, True, 0)
    assert healed["mutations"] >= 1
    assert not rows["scaled-to-zero", "nothing"]["healed"]
    assert rows["not-ours", "kubernaut"]["mutations"] == 0
    assert document["arms"]["kubernaut"]["false_actions_on_controls"] == 0
    assert "4 of 4" in out.err


@asynccontextmanager
async def ended(*results: Result) -> AsyncIterator[Prepared]:
    class Ended(Gameday):
        async def run(self) -> None:
            self.results.extend(results)

    yield Prepared(Ended([], {}, 1, lambda _: None), [])


def test_a_touched_control_ends_with_1_and_still_prints_the_report(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "on_sandbox", lambda *_: ended(HEALED, replace(CONTROL, mutations=1)))
    assert called("--sandbox", "--json") == 1
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 2


def test_a_change_outside_a_target_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "on_sandbox", lambda *_: ended(replace(HEALED, outside_target=1)))
    assert called("--sandbox") == 1


def test_a_fault_that_was_not_healed_ends_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "on_sandbox", lambda *_: ended(replace(HEALED, healed=False), CONTROL))
    assert called("--sandbox") == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "choose where"),
        (("--sandbox", "--context", "dev"), "choose where"),
        (("--sandbox", "--arms", "hope"), "--arms takes some of"),
        (("--sandbox", "--arms", ","), "--arms takes some of"),
        (("--sandbox", "--faults", "image-tag-mising"), 'did you mean "image-tag-missing"'),
        (("--sandbox", "--variants", "0"), "variants"),
        (("--sandbox", "--speed", "9000"), "speed"),
    ],
)
def test_wrong_use_is_refused_before_anything_starts(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(*arguments) == 2
    assert words in capsys.readouterr().err


def test_a_cluster_is_not_touched_without_a_yes(lent: ThreadedSandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert called("--kubeconfig", str(lent.kubeconfig())) == 2
    assert "there is no terminal to ask on: give --yes" in capsys.readouterr().err
    assert lent.call(spaces) == []


def test_a_cluster_that_others_seem_to_depend_on_is_refused(
    lent: ThreadedSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill(universe: Universe) -> None:
        for number in range(30):
            universe.cluster.create(NAMESPACE, "", {"metadata": {"name": f"team-{number}"}}, By("kubectl-create"))

    lent.call(fill)
    assert called("--kubeconfig", str(lent.kubeconfig()), "--yes") == 1
    assert "it has 34 namespaces, more than 25" in capsys.readouterr().err
    assert lent.call(spaces) == []


def test_an_address_without_its_protocol_is_refused(lent: ThreadedSandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert called("--kubeconfig", str(lent.kubeconfig()), "--server", "localhost:8080", "--yes") == 2
    assert "an address starts with http" in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_clears_up_what_was_made(lent: ThreadedSandbox) -> None:
    image = "registry.example.com/apps/web:1.8.2"
    words = [PROGRAM, "gameday", "--kubeconfig", lent.kubeconfig(), "--yes", "--image", image, "--arms", "nothing"]
    # A shell starts what runs in its background with this signal ignored, and whatever that starts inherits it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            until(lent, some=True)
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130, told
    until(lent, some=False)


def test_what_was_left_over_is_taken_away_and_nothing_else(
    lent: ThreadedSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    def leave(universe: Universe) -> None:
        for name, labels in (("gameday-left", {RUN_LABEL: "run-0"}), ("shop", {"team": "shop"})):
            body = {"metadata": {"name": name, "labels": dict(labels)}}
            universe.cluster.create(NAMESPACE, "", body, By("kubectl-create"))  # type: ignore[arg-type]

    lent.call(leave)
    place = ("--kubeconfig", str(lent.kubeconfig()))
    assert called("clean", *place) == 0
    assert capsys.readouterr().out == "deleted gameday-left\n"
    until(lent, some=False)
    assert lent.call(lambda universe: universe.cluster.find(NAMESPACE, "", "shop")) is not None
    assert called("clean", *place, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"deleted": []}


def test_nothing_is_left_over_on_a_cluster_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called("clean", "--kubeconfig", str(tmp_path / "none")) == 2
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.slow
async def test_on_a_lent_cluster_kubernaut_hears_of_the_fault_and_heals_it() -> None:
    async with Sandbox(speed=1) as sandbox:
        image = publish(sandbox.universe)["web"]
        settings = Settings.model_validate(
            {
                "cluster": {"kubeconfig": str(sandbox.kubeconfig()), "context": "sandbox"},
                "verification": {"window_s": 1, "interval_s": 0.2, "deadline_s": 30},
                "policy": {"recheck_s": 1},
            }
        )
        second = timedelta(seconds=1)
        pace = Pace(poll=second / 5, hold=second, reaction=second, patience=second, quiet=second)
        plan = GamedayPlan(("scaled-to-zero",), arms=(Arm.KUBERNAUT,))
        async with on_cluster(plan, Lent(settings, image), lambda _: None, pace) as prepared:
            game = prepared.gameday
            game.grounds = {arm: replace(ground, rings_after=second) for arm, ground in game.grounds.items()}
            await game.run()
        [result] = game.results
        assert (result.healed, result.verified, result.mutations, result.outside_target) == (True, True, 1, 0)
