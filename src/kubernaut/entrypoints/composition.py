"""The real program behind the command line."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import uvloop

from kubernaut.domain.objects import Tree
from kubernaut.entrypoints.doors import ActionCard, CauseCard, DemoOptions, DemoRun, DiagnosisRequest
from kubernaut.entrypoints.http.server import stopping_on_signals
from kubernaut.entrypoints.logs import configure_logs
from kubernaut.entrypoints.reports import DiagnosisReport
from kubernaut.execution.catalogue import AnyAction, discover
from kubernaut.investigation.causes import catalogue
from kubernaut.settings import Settings


class Program:
    """Each way in imports what it needs when it is taken: a command that reads starts no engine."""

    def serve(self, settings: Settings, listener: socket.socket) -> None:
        """Runs the service until it is told to stop (SIGINT, SIGTERM)."""
        from kubernaut.entrypoints.serving import serving  # noqa: PLC0415

        configure_logs(settings.log)

        async def run() -> None:
            stop = asyncio.Event()
            with stopping_on_signals(stop):
                async with serving(settings, listener):
                    await stop.wait()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())

    async def diagnose(self, request: DiagnosisRequest) -> DiagnosisReport:
        """Looks, and changes nothing."""
        from kubernaut.entrypoints.looking import look  # noqa: PLC0415

        return await look(request)

    def demo(self, options: DemoOptions) -> AbstractAsyncContextManager[DemoRun]:
        """A running demo, taken down whole at the end."""
        from kubernaut.entrypoints.rehearsal import rehearse  # noqa: PLC0415

        return rehearse(options)

    def scenarios(self) -> Sequence[str]:
        """The names of all built-in scenarios."""
        from kubernaut.sandbox.scenarios import SCENARIOS  # noqa: PLC0415

        return [scenario.name for scenario in SCENARIOS]

    def actions(self) -> Sequence[ActionCard]:
        """The catalogue of actions."""
        return [_card(action) for action in discover()]

    def causes(self) -> Sequence[CauseCard]:
        """The catalogue of causes."""
        return [CauseCard(cause.id, cause.title) for cause in catalogue()]


def _card(action: AnyAction) -> ActionCard:
    needs = [
        f"{rule.api_group + '/' if rule.api_group else ''}{rule.resource} {','.join(rule.verbs)}"
        for rule in (*action.reads, *action.writes)
    ]
    return ActionCard(
        id=action.id,
        title=action.summary,
        kinds=action.targets,
        parameters=tuple(_parameters(action)),
        reversible=action.reversible,
        undo=action.undo,
        when=action.when,
        never=action.never,
        before=action.before,
        needs=tuple(needs),
    )


def _parameters(action: AnyAction) -> list[tuple[str, str]]:
    schema = Tree(action.schema())
    name = schema.text("$ref").rpartition("/")[2]
    properties = schema.tree("$defs", name, "properties")
    return [(field, _bounds(properties.tree(field))) for field in properties.raw]


def _bounds(described: Tree) -> str:
    bounds = [
        f"{word} {described.at(key)}" for key, word in (("minimum", "from"), ("maximum", "to")) if described.has(key)
    ]
    return " ".join([described.text("type"), *bounds])


DOORS = Program()
