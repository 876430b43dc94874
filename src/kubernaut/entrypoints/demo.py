"""The demo as it is presented: what happens in the simulated cluster, told while it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.plans import Decision, Plan
from kubernaut.engine.codec import load
from kubernaut.entrypoints.doors import DemoRun, Ended, Staged, Told
from kubernaut.entrypoints.reports import ScenarioResult
from kubernaut.entrypoints.status import status_of
from kubernaut.entrypoints.terminal.demo import event_lines, incident_line, result_line
from kubernaut.entrypoints.terminal.look import Look


class Progress(Protocol):
    """How far the demo is; drawn on a terminal, silent in a pipe."""

    def move(self, done: int, total: int, what: str) -> None:
        """`done` of `total` scenarios ended, and this is going on."""


@dataclass
class Teller:
    """Tells one incident in full and every scenario in a line: incidents run side by side, stories cannot.

    Told in full is the first incident for which something is going to be done. What was heard of it before is told
    then, and the lines of other scenarios wait until its story has ended.
    """

    say: Callable[[str], None]
    look: Look
    progress: Progress
    total: int
    results: list[ScenarioResult] = field(default_factory=list)
    undone: int = 0
    _heard: dict[str, list[Told]] = field(default_factory=dict)
    _in_full: str = ""
    _is_telling: bool = False
    _held: list[str] = field(default_factory=list)

    async def tell(self, run: DemoRun) -> None:
        """Until the last scenario has ended."""
        async for happening in run.happenings():
            match happening:
                case Told():
                    self._event(happening)
                case Ended():
                    self._end(happening)
                case Staged(text=text):
                    self._held_or_said(self.look.text(f"  ● {text}"))
        self._finish_story()

    def _event(self, told: Told) -> None:
        incident = told.incident
        if not self._in_full:
            self._heard.setdefault(incident.id, []).append(told)
            if _will_act(told.event):
                self._begin_story(incident.id)
        elif incident.id == self._in_full and self._is_telling:
            self._tell_one(told)
        self.progress.move(len(self.results), self.total, f"{incident.target} · {status_of(incident).word}")

    def _begin_story(self, incident: str) -> None:
        self._in_full, self._is_telling = incident, True
        heard = self._heard.pop(incident)
        self._heard.clear()
        self.say(incident_line(heard[-1].incident, self.look))
        for told in heard:
            self._tell_one(told)

    def _tell_one(self, told: Told) -> None:
        for line in event_lines(told.incident, told.event, self.look):
            self.say(line)
        if told.event.kind is EventKind.CLOSED:
            self._finish_story()

    def _end(self, ended: Ended) -> None:
        self.results.append(ended.result)
        self.undone += ended.undone
        if self._is_telling or not ended.incident or ended.incident != self._in_full or not ended.result.passed:
            self._held_or_said(result_line(ended, self.look))
        self.progress.move(len(self.results), self.total, ended.result.name)

    def _finish_story(self) -> None:
        """Says the lines that had to wait."""
        self._is_telling = False
        for line in self._held:
            self.say(line)
        self._held.clear()

    def _held_or_said(self, line: str) -> None:
        """At once, or after the story that is being told."""
        if self._is_telling:
            self._held.append(line)
        else:
            self.say(line)


def _will_act(event: Event) -> bool:
    return event.kind is EventKind.PLANNED and load(Plan, event.body.get("plan")).decision is Decision.ACT
