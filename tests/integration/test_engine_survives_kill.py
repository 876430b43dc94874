"""Real processes, really killed, at every boundary of every step at once: each run is parked at another one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from tests.integration import engine_child
from tests.integration.engine_child import PLACES, STEPS

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_CHILD = Path(engine_child.__file__)
_PATIENCE_S = 30


class Process:
    def __init__(self, setting: dict[str, object]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", _CHILD, json.dumps(setting)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        # Reading blocks: what never speaks is ended, and then the reader says what it waited for.
        self._watchdog = threading.Timer(2 * _PATIENCE_S, self._process.kill)
        self._watchdog.start()

    def hear(self, word: str) -> dict[str, object]:
        """The first thing the process says with that word, in front of which its log is skipped."""
        stdout = self._process.stdout
        assert stdout is not None
        for line in stdout:
            if line.startswith("{") and json.loads(line)["said"] == word:
                return cast("dict[str, object]", json.loads(line))
        raise AssertionError(f"ended without {word}: {self._process.stderr.read() if self._process.stderr else ''}")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(_PATIENCE_S)

    def end(self) -> None:
        _, errors = self._process.communicate(timeout=_PATIENCE_S)
        assert self._process.returncode == 0, errors

    def close(self) -> None:
        self._watchdog.cancel()
        self.kill()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


@dataclass
class Scene:
    folder: Path
    store: str
    stack: ExitStack

    def start(self, task: str, executor: str, parks: tuple[str, ...] = ()) -> Process:
        process = Process(
            {
                "task": task,
                "executor": executor,
                "parks": parks,
                "folder": str(self.folder),
                "store": self.store,
            }
        )
        self.stack.callback(process.close)
        return process

    def attempts(self) -> Counter[tuple[str, str]]:
        return Counter((run, step) for run, step, _ in self._lines("attempts"))

    def attempted_by(self, executor: str) -> int:
        return sum(who == executor for _, _, who in self._lines("attempts"))

    def effects(self) -> set[tuple[str, str]]:
        found = (path.name.split(" ") for path in self.folder.glob("effect *"))
        return {(run, step) for _, run, step in found}

    def release(self, executor: str) -> None:
        (self.folder / f"release {executor}").touch()

    def _lines(self, kind: str) -> list[tuple[str, str, str]]:
        path = self.folder / kind
        lines = path.read_text().splitlines() if path.exists() else []
        return [cast("tuple[str, str, str]", tuple(line.split(" "))) for line in lines]


@pytest.fixture(params=["sqlite", "postgres"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    store = f"sqlite:///{tmp_path}/store.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with ExitStack() as stack:
        yield Scene(tmp_path, store, stack)


def in_flight() -> set[tuple[str, str]]:
    """The steps that were under way at the kill: attempted, their result not stored."""
    parked = (place.split("-") for place in PLACES)
    return {(f"{moment}-{step}", step) for moment, step in parked if moment in ("attempted", "effected")}


def check_that_every_run_finished_once(scene: Scene, finished: dict[str, object]) -> None:
    everything = {(run, step) for run in PLACES for step in STEPS}
    assert finished["results"] == {run: list(STEPS) for run in PLACES}
    assert scene.effects() == everything
    assert scene.attempts() == Counter({key: 2 if key in in_flight() else 1 for key in everything})


def test_a_killed_process_finishes_every_run_when_it_is_started_again(scene: Scene) -> None:
    first = scene.start("begin", "a", PLACES)
    first.hear("parked")
    first.kill()

    second = scene.start("finish", "a")
    finished = second.hear("finished")
    second.end()

    check_that_every_run_finished_once(scene, finished)


def test_another_living_process_takes_over_from_a_killed_one(scene: Scene) -> None:
    first = scene.start("begin", "a", PLACES)
    first.hear("parked")
    second = scene.start("finish", "b")
    second.hear("open")
    assert scene.attempted_by("b") == 0
    first.kill()

    finished = second.hear("finished")
    second.end()

    check_that_every_run_finished_once(scene, finished)


def test_a_process_that_was_only_paused_does_not_act_on_a_run_that_another_has_taken(scene: Scene) -> None:
    parks = ("before-three",)
    first = scene.start("begin-one", "a", parks)
    first.hear("parked")
    first.signal(signal.SIGSTOP)
    second = scene.start("finish-one", "b", parks)
    second.hear("parked")

    scene.release("a")
    first.signal(signal.SIGCONT)
    first.hear("left")
    assert ("before-three", "three") not in scene.attempts()

    scene.release("b")
    finished = second.hear("finished")
    assert finished["results"] == {"before-three": list(STEPS)}
    assert scene.attempts() == Counter({("before-three", step): 1 for step in STEPS})
