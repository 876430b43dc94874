"""Runs that another version began have to come to their end in this one."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypedDict, TypeVar, cast

import pytest
from typing_extensions import TypeForm

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine import Run
from kubernaut.engine.outcome import reveal
from kubernaut.pipeline import run_incident
from tests.journeys import WAYS
from tests.misrouted_shop import MisroutedShop
from tests.replay.recording import JOURNALS

T = TypeVar("T")


class Recorded(TypedDict):
    argument: JsonObject
    ending: str
    journal: list[JsonObject]


class RecordedRun(Run):
    """Answers from a recorded journal alone, and refuses every call that is not the next one in it."""

    def __init__(self, journal: list[JsonObject]) -> None:
        self.left = [(str(line["name"]), line["entry"]) for line in journal]

    @property
    def id(self) -> str:
        return "recorded"

    async def step(self, name: str, action: Callable[[], Awaitable[T]], returns: TypeForm[T]) -> T:  # noqa: ARG002
        return reveal(self._next(name), returns)

    async def sleep(self, duration: timedelta) -> None:
        assert duration > timedelta()
        self._next("sleep")

    async def receive(self, topic: str, timeout: timedelta) -> Json | None:  # noqa: ASYNC109  # as the port has it
        assert timeout > timedelta()
        self._next(f"receive {topic} until")
        return cast("JsonObject", self._next(f"receive {topic}"))["message"]

    def _next(self, name: str) -> Json:
        assert self.left, f"{name} is asked for, and the recorded run had ended"
        recorded, entry = self.left.pop(0)
        assert recorded == name
        return entry


def read(name: str) -> Recorded:
    text = (JOURNALS / f"{name}.json").read_text(encoding="utf-8")
    return cast("Recorded", json.loads(text))


@pytest.mark.parametrize("name", WAYS)
async def test_a_recorded_run_comes_to_its_end_without_a_new_step(name: str) -> None:
    recorded = read(name)
    run = RecordedRun(recorded["journal"])

    ending = await run_incident(run, MisroutedShop().stages, recorded["argument"])

    assert ending == recorded["ending"]
    assert run.left == []
