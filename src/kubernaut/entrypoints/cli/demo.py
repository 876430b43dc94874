"""`kubernaut demo`: a simulated cluster, the service and its page in one process."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from kubernaut.entrypoints.cli.address import listening
from kubernaut.entrypoints.cli.guessing import did_you_mean
from kubernaut.entrypoints.cli.options import AsJson, group
from kubernaut.entrypoints.cli.session import Session
from kubernaut.entrypoints.demo import Teller
from kubernaut.entrypoints.doors import DemoOptions, DemoRun
from kubernaut.entrypoints.reports import scenarios_json
from kubernaut.entrypoints.terminal.demo import chapter_lines, closing_lines, opening_lines
from kubernaut.entrypoints.terminal.look import Look

app = group(
    "Watch it heal a simulated cluster: alerts in, causes found, remedies applied, verified and taken back.",
    "kubernaut demo",
    "kubernaut demo --once --json",
    "kubernaut demo --scenario NAME --speed 20",
)
_HOST = "127.0.0.1"


@app.command(help=app.info.help)
def demo(
    ctx: typer.Context,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End after the last scenario, with 1 if one ended wrongly.")
    ] = False,
    scenario: Annotated[list[str] | None, typer.Option(help="Only this one; may be given more than once.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of the page; 0 takes a free one.")] = 8080,
    speed: Annotated[float, typer.Option(min=1, max=1000, help="How much faster the simulated clock runs.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Ctrl-C ends it cleanly, with 0."""
    session: Session = ctx.obj
    names = _known(session, scenario or [])
    # A script that wants the report does not care for the page's address: any free port will do.
    chosen = 0 if once and as_json else port
    try:
        with listening(_HOST, chosen, command="kubernaut demo") as listener:
            options = DemoOptions(listener, speed, names)
            teller = asyncio.run(_play(session, options, once=once, silent=as_json))
    except KeyboardInterrupt:
        return
    if as_json:
        session.write_json(scenarios_json(teller.results))
    if once and not all(result.passed for result in teller.results):
        raise typer.Exit(1)


def _known(session: Session, names: list[str]) -> tuple[str, ...]:
    known = session.doors().scenarios() if names else []
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"; there are: {', '.join(known)}"
            raise typer.BadParameter(f'no scenario "{name}"{hint}')
    return tuple(names)


async def _play(session: Session, options: DemoOptions, *, once: bool, silent: bool) -> Teller:
    """The scenarios; with all of them and no end in sight, the whole story."""
    if once or silent or options.scenarios:
        async with session.doors().demo(options) as run:
            teller = await _tell(session, options, run, once=once, silent=silent)
            if not once:
                await _until_stopped()
            return teller
    async with session.doors().story(options) as story:
        teller = await _tell(session, options, story, once=False, silent=False, models="two stand-ins for models")
        look = session.look()
        async for chapter in story.chapters(_page(options)):
            for line in chapter_lines(chapter, look):
                print(line, flush=True)
        await _until_stopped()
    return teller


async def _tell(  # how it is told
    session: Session, options: DemoOptions, run: DemoRun, *, once: bool, silent: bool, models: str = "no model"
) -> Teller:
    page, look = _page(options), session.look()
    with _bar(look, silent=silent) as bar:
        teller = Teller(_nothing if silent else bar.say, look, bar, len(run.scenarios))
        for line in opening_lines(version("kubernaut"), options.speed, page, look, models=models):
            teller.say(line)
        await teller.tell(run)
    for line in closing_lines(teller.results, teller.undone, look, page=page, stays=not once):
        teller.say(line)
    return teller


def _page(options: DemoOptions) -> str:
    return f"http://{_HOST}:{options.listener.getsockname()[1]}/"


async def _until_stopped() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


def _nothing(_line: str) -> None:
    """Says nothing, where only the report is wanted."""


class _Bar:
    """A line under the story that says how far it is; on a terminal only."""

    def __init__(self, drawn: Progress | None) -> None:
        self._drawn = drawn
        self._task: TaskID | None = None

    def say(self, line: str) -> None:
        if self._drawn is None:
            print(line, flush=True)
        else:
            self._drawn.console.out(line, highlight=False)

    def move(self, done: int, total: int, what: str) -> None:
        if self._drawn is None:
            return
        if self._task is None:
            self._task = self._drawn.add_task("", total=total)
        self._drawn.update(self._task, completed=done, description=what)


@contextmanager
def _bar(look: Look, *, silent: bool) -> Iterator[_Bar]:
    if silent or look.width is None or not sys.stdout.isatty():
        yield _Bar(None)
        return
    columns = (
        TextColumn("  {task.completed} of {task.total}"),
        BarColumn(bar_width=20),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
    )
    console = Console(no_color=not look.colour, highlight=False, width=look.width)
    with Progress(*columns, console=console, transient=True) as drawn:
        yield _Bar(drawn)
