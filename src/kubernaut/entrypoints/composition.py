"""The real program behind the command line."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import uvloop

from kubernaut.entrypoints.doors import CaptureRequest, DemoOptions, DemoRun, DiagnosisRequest, StoryRun
from kubernaut.entrypoints.http.server import stopping_on_signals
from kubernaut.entrypoints.logs import configure_logs
from kubernaut.entrypoints.reports import CaptureReport, DiagnosisReport, ModelFigures, ModelTrial
from kubernaut.settings import LogSettings, Settings


class Program:
    """Each way in imports what it needs when it is taken: a command that reads starts no engine."""

    def serve(self, settings: Settings, listener: socket.socket, on_ready: Callable[[], None]) -> None:
        """Runs the service until it is told to stop (SIGINT, SIGTERM); calls `on_ready` once it answers."""
        from kubernaut.entrypoints.serving import serving  # noqa: PLC0415

        configure_logs(settings.log)

        async def run() -> None:
            stop = asyncio.Event()
            with stopping_on_signals(stop):
                async with serving(settings, listener):
                    on_ready()
                    await stop.wait()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())

    async def diagnose(self, request: DiagnosisRequest) -> DiagnosisReport:
        """Looks, and changes nothing."""
        from kubernaut.entrypoints.looking import look  # noqa: PLC0415

        return await look(request)

    async def capture(self, request: CaptureRequest) -> CaptureReport:
        """Saves what a diagnosis reads."""
        from kubernaut.entrypoints.capturing import save  # noqa: PLC0415

        return await save(request)

    async def rights(self, settings: Settings) -> Sequence[str]:
        """The rights that are missing, each in words."""
        from kubernaut.entrypoints.looking import ask_rights  # noqa: PLC0415

        return await ask_rights(settings.cluster)

    def demo(self, options: DemoOptions) -> AbstractAsyncContextManager[DemoRun]:
        """A running demo, taken down whole at the end."""
        from kubernaut.entrypoints.rehearsal import rehearse  # noqa: PLC0415

        # The story is on stdout; log lines between it would be noise.
        configure_logs(LogSettings(level="error"))
        return rehearse(options)

    def story(self, options: DemoOptions) -> AbstractAsyncContextManager[StoryRun]:
        """A demo with the whole story."""
        from kubernaut.entrypoints.storytelling import tell_story  # noqa: PLC0415

        configure_logs(LogSettings(level="error"))
        return tell_story(options)

    async def try_models(self, settings: Settings) -> Sequence[ModelTrial]:
        """Asks each declared provider of a language model one question."""
        from kubernaut.entrypoints.models import try_models  # noqa: PLC0415

        return await try_models(settings)

    async def model_figures(self, settings: Settings, since: timedelta) -> ModelFigures:
        """What the analysis of the incidents of that time took, from the store."""
        from kubernaut.entrypoints.models import model_figures  # noqa: PLC0415

        return await model_figures(settings, since)

    def scenarios(self) -> Sequence[str]:
        """The names of all built-in scenarios."""
        from kubernaut.sandbox.scenarios import SCENARIOS  # noqa: PLC0415

        return [scenario.name for scenario in SCENARIOS]


DOORS = Program()
