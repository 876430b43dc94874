"""The demo as it is presented: what happens in the simulated cluster, told while it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from kubernaut.entrypoints.doors import DemoRun, Ended, Told
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
    """Tells the first incident in full and every scenario in a line: incidents run side by side, stories cannot."""

    say: Callable[[str], None]
    look: Look
    progress: Progress
    total: int
    results: list[ScenarioResult] = field(default_factory=list)
    undone: int = 0
    _in_full: str = ""
    _told_in_full: bool = False
    _held: list[Ended] = field(default_factory=list)

    async def tell(self, run: DemoRun) -> None:
        """Until the last scenario has ended."""
        async for happening in run.happenings():
            match happening:
                case Told():
                    self._event(happening)
                case Ended():
                    self._end(happening)
        self._release()

    def _event(self, told: Told) -> None:
        incident = told.incident
        if not self._in_full:
            self._in_full = incident.id
            self.say(incident_line(incident, self.look))
        if incident.id == self._in_full and not self._told_in_full:
            for line in event_lines(incident, told.event, self.look):
                self.say(line)
            if not incident.is_open:
                self._release()
        self.progress.move(len(self.results), self.total, f"{incident.target} · {status_of(incident).word}")

    def _end(self, ended: Ended) -> None:
        self.results.append(ended.result)
        self.undone += ended.undone
        if self._in_full and not self._told_in_full:
            if ended.incident != self._in_full:
                self._held.append(ended)
            else:
                self._release()
        elif ended.incident != self._in_full or not ended.incident:
            self.say(result_line(ended, self.look))
        self.progress.move(len(self.results), self.total, ended.result.name)

    def _release(self) -> None:
        """Says the lines that had to wait for the end of the story told in full."""
        self._told_in_full = True
        for ended in self._held:
            self.say(result_line(ended, self.look))
        self._held.clear()
