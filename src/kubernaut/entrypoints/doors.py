"""What the command line asks of the rest of the program.

`composition.py` holds the real one; tests hand in their own.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeAlias

from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event
from kubernaut.entrypoints.chapters import Chapter
from kubernaut.entrypoints.reports import CaptureReport, DiagnosisReport, ModelFigures, ModelTrial, ScenarioResult
from kubernaut.settings import Settings


@dataclass(frozen=True, slots=True)
class DiagnosisRequest:
    """What to look at: one namespace, all of them (`namespace` empty), or what an alert in a file is about.

    With `snapshot`, a saved cluster is looked at in place of the live one.
    """

    settings: Settings
    namespace: str = ""
    alert: Path | None = None
    snapshot: Path | None = None


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """Which cluster to save, one namespace of it or all (`namespace` empty), and where to."""

    settings: Settings
    namespace: str
    output: Path
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """`listener` is bound already; `speed` is how much faster the clock of the simulated cluster runs."""

    listener: socket.socket
    speed: float
    scenarios: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """An event of an incident, with the incident as it stands after it."""

    incident: Incident
    event: Event


@dataclass(frozen=True, slots=True)
class Ended:
    """A scenario has its outcome. `incident` is empty where none was opened."""

    result: ScenarioResult
    incident: str = ""
    undone: int = 0


@dataclass(frozen=True, slots=True)
class Staged:
    """Something that the demo did itself, such as killing a model."""

    text: str


Happening: TypeAlias = Told | Ended | Staged


class DemoRun(Protocol):
    """A demo that is running: simulated cluster, service and page in this process."""

    @property
    def scenarios(self) -> Sequence[str]:
        """The names of the scenarios that are going to be played."""

    def happenings(self) -> AsyncIterator[Happening]:
        """What happens, as it happens; ends after the last scenario did."""


class StoryRun(DemoRun, Protocol):
    """A demo that has more to tell than its scenarios."""

    def chapters(self, page: str) -> AsyncIterator[Chapter]:
        """What is told after them."""


class Doors(Protocol):
    """The ways in."""

    def serve(self, settings: Settings, listener: socket.socket, on_ready: Callable[[], None]) -> None:
        """Runs the service until it is told to stop (SIGINT, SIGTERM); calls `on_ready` once it answers."""

    async def diagnose(self, request: DiagnosisRequest) -> DiagnosisReport:
        """Looks, and changes nothing."""

    async def capture(self, request: CaptureRequest) -> CaptureReport:
        """Saves what a diagnosis reads, redacted, and changes nothing in the cluster."""

    async def rights(self, settings: Settings) -> Sequence[str]:
        """The rights that are missing, each in words; raises a `ClusterError` where the cluster cannot be asked."""

    def demo(self, options: DemoOptions) -> AbstractAsyncContextManager[DemoRun]:
        """A running demo, taken down whole at the end."""

    def story(self, options: DemoOptions) -> AbstractAsyncContextManager[StoryRun]:
        """The same with models that are killed, thirty recorded days, and chapters after the scenarios."""

    async def try_models(self, settings: Settings) -> Sequence[ModelTrial]:
        """Asks each declared provider of a language model one question."""

    async def model_figures(self, settings: Settings, since: timedelta) -> ModelFigures:
        """What the analysis of the incidents of that time took, from the store."""

    def scenarios(self) -> Sequence[str]:
        """The names of all built-in scenarios."""
