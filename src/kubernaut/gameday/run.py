"""All problems in all arms, some at once, with a word on each as it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from kubernaut.domain.errors import KubernautError
from kubernaut.domain.objects import JsonObject
from kubernaut.gameday.arms import Arm
from kubernaut.gameday.fault import Problem
from kubernaut.gameday.playing import Ground, play
from kubernaut.gameday.results import Result, summary_of

_EVERY_S = 0.25
_MOST_LATE = 0.1


@dataclass(frozen=True, slots=True)
class NotPlayed:
    """A problem that could not be played, with the reason: it is reported, and counts for nobody."""

    fault: str
    variant: int
    arm: Arm
    why: str

    def as_json(self) -> JsonObject:
        """With the names that a result has."""
        return {"fault": self.fault, "variant": self.variant, "arm": self.arm.value, "why": self.why}


@dataclass(frozen=True, slots=True)
class Moved:
    """One problem ended in one arm: how far the whole is."""

    done: int
    total: int
    last: Result | NotPlayed


@dataclass
class Gameday:
    """`grounds` are the arms with the cluster that each is played on; `at_once` bounds how many problems run."""

    problems: Sequence[Problem]
    grounds: Mapping[Arm, Ground]
    at_once: int
    on_move: Callable[[Moved], None]
    results: list[Result] = field(default_factory=list)
    not_played: list[NotPlayed] = field(default_factory=list)
    _looks: int = 0
    _late: int = 0

    @property
    def was_starved(self) -> bool:
        """Whether this machine was too busy: a simulated clock went on while nothing of what was due was done."""
        return self._late > _MOST_LATE * self._looks

    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _EVERY_S
            await asyncio.sleep(_EVERY_S)
            self._looks += 1
            self._late += loop.time() - due > _EVERY_S

    async def run(self) -> None:
        """Plays everything; when it is cancelled, every namespace is taken away before it ends."""
        async with asyncio.TaskGroup() as group:
            measuring = group.create_task(self._measure())
            try:
                await self._play_all()
            finally:
                measuring.cancel()
        order = {problem.fault.name: place for place, problem in enumerate(self.problems)}
        arms = list(self.grounds)
        self.results.sort(key=lambda one: (order[one.fault], one.variant, arms.index(one.arm)))

    async def _play_all(self) -> None:
        places = asyncio.Semaphore(self.at_once)
        async with asyncio.TaskGroup() as group:
            for problem in self.problems:
                for arm in self.grounds:
                    group.create_task(self._one(problem, arm, places))

    async def _one(self, problem: Problem, arm: Arm, places: asyncio.Semaphore) -> None:
        async with places:
            try:
                result: Result | NotPlayed = await play(self.grounds[arm], problem, arm)
            except KubernautError as error:
                result = NotPlayed(problem.fault.name, problem.variant, arm, f"{error.code}: {error}")
        if isinstance(result, Result):
            self.results.append(result)
        else:
            self.not_played.append(result)
        total = len(self.problems) * len(self.grounds)
        self.on_move(Moved(len(self.results) + len(self.not_played), total, result))


def report_json(game: Gameday, left_out: Sequence[str]) -> JsonObject:
    """The document of `gameday --json`; `left_out` are the faults that this cluster cannot show."""
    return {
        "arms": {arm.value: summary_of(arm, game.results).as_json() for arm in game.grounds},
        "problems": [one.as_json() for one in game.results],
        "not_played": [one.as_json() for one in game.not_played],
        "left_out": [*left_out],
    }
