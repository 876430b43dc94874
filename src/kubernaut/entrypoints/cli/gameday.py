"""`kubernaut gameday`: faults on purpose, and what becomes of them with and without Kubernaut."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from kubernaut.domain.errors import InputError, WrongValue
from kubernaut.entrypoints.cli.guessing import did_you_mean
from kubernaut.entrypoints.cli.options import AsJson, ConfigFile, Context, Kubeconfig, group, of_cluster
from kubernaut.entrypoints.cli.session import Session
from kubernaut.entrypoints.gaming import GamedayPlan, Lent, Prepared, lending, on_cluster, on_sandbox
from kubernaut.entrypoints.strategies import read_places
from kubernaut.entrypoints.terminal.gameday import moved_line, report_lines
from kubernaut.gameday.arms import Arm
from kubernaut.gameday.catalogue import chosen
from kubernaut.gameday.caution import doubts, may_make_namespaces
from kubernaut.gameday.hand import Hand
from kubernaut.gameday.results import did_harm
from kubernaut.gameday.run import Moved, report_json
from kubernaut.settings import Settings, load_settings

app = group(
    "Break throw-away systems on purpose, and see what Kubernaut makes of it beside doing nothing, restarting\n"
    "everything and rolling back everything.",
    "kubernaut gameday --sandbox",
    "kubernaut gameday --sandbox --faults image-tag-missing,scaled-to-zero --json",
    "kubernaut gameday --context NAME          asks first, and clears up",
    "kubernaut gameday clean --context NAME    takes away what was left over",
)
# A real cluster is slower with every pod that starts, and its faults are no clearer for it.
_SIMULATED_AT_ONCE = 10
_ARMS = tuple(arm.value for arm in Arm)
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.callback(invoke_without_command=True, help=app.info.help)
def gameday(  # noqa: PLR0913  # one argument an option
    ctx: typer.Context,
    *,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="On a simulated cluster; touches nothing else.")] = False,
    faults: Annotated[str, typer.Option(metavar="NAMES", help="Only these, with commas between.")] = "",
    variants: Annotated[int, typer.Option(min=1, max=20, help="How many systems each fault is put into.")] = 1,
    arms: Annotated[str, typer.Option(metavar="NAMES", help="Only these arms.")] = ",".join(_ARMS),
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same systems.")] = 1,
    speed: Annotated[float, typer.Option(min=1, max=200, help="How fast the simulated clock runs.")] = 60.0,
    at_once: Annotated[
        int, typer.Option(min=0, max=50, help="Problems at once; 0 is 10 on the sandbox and 1 on a cluster.")
    ] = 0,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    image: Annotated[str, typer.Option(help="An image with a busybox shell that the cluster can pull.")] = "",
    server: Annotated[str, typer.Option("--server", metavar="URL", help="A Kubernaut that runs already.")] = "",
    strategies: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Strategies of yours that Kubernaut has in this run.")
    ] = None,
    config: ConfigFile = None,
    yes: Yes = False,
    i_know: Annotated[bool, typer.Option("--i-know", help="Also on a cluster that others seem to depend on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ends with 1 when Kubernaut touched a control or anything outside a target."""
    if ctx.invoked_subcommand is not None:
        return
    session: Session = ctx.obj
    if sandbox == (context is not None or kubeconfig is not None):
        raise typer.BadParameter("choose where: --sandbox, or --context NAME (and --kubeconfig FILE)")
    plan = _plan(faults, variants, seed, arms, at_once or (_SIMULATED_AT_ONCE if sandbox else 1))
    plan = replace(plan, strategies=_checked(strategies, server))
    if sandbox:
        harm = asyncio.run(_on_sandbox(session, plan, speed, as_json=as_json))
    else:
        lent = _lent(of_cluster(load_settings(config), kubeconfig, context), image, server)
        harm = asyncio.run(_on_cluster(session, plan, lent, yes=yes, i_know=i_know, as_json=as_json))
    if harm:
        raise typer.Exit(1)


@app.command(help="Take away the namespaces that a gameday left over.")
def clean(
    ctx: typer.Context,
    *,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Finds them by their label; nothing else is touched."""
    session: Session = ctx.obj
    names = asyncio.run(_clean(_lent(of_cluster(load_settings(config), kubeconfig, context), "", "")))
    if as_json:
        session.write_json({"deleted": [*names]})
    else:
        session.write([f"deleted {name}" for name in names] or ["Nothing was left over."])


def _plan(faults: str, variants: int, seed: int, arms: str, at_once: int) -> GamedayPlan:

    names = _listed(faults)
    known = [fault.name for fault in chosen([])]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"; there are: {', '.join(known)}"
            raise typer.BadParameter(f'no fault "{name}"{hint}')
    wanted = _listed(arms)
    if not wanted or not set(wanted) <= set(_ARMS):
        raise typer.BadParameter(f"--arms takes some of {', '.join(_ARMS)}")
    return GamedayPlan(tuple(names), variants, seed, tuple(arm for arm in Arm if arm in wanted), at_once)


def _checked(strategies: Path | None, server: str) -> Path | None:
    """The folder, whose strategies are in order: a gameday without those that were meant would say nothing of them."""
    if strategies is None:
        return None
    if server:
        raise typer.BadParameter("--strategies are for a Kubernaut that is started here; --server has its own settings")
    if not strategies.is_dir():
        raise typer.BadParameter(f"--strategies {strategies}: no such folder")
    if not read_places([strategies]):
        raise InputError(f"--strategies {strategies}: it holds no strategy", help="kubernaut strategies lint FOLDER")
    return strategies


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _lent(settings: Settings, image: str, server: str) -> Lent:
    if server and not server.startswith(("http://", "https://")):
        raise WrongValue("--server", server, "an address starts with http:// or https://")
    return Lent(settings, image or Lent(settings).image, server.rstrip("/"))


async def _on_sandbox(session: Session, plan: GamedayPlan, speed: float, *, as_json: bool) -> bool:

    async with on_sandbox(plan, speed, _teller(session)) as prepared:
        harm = await _played(session, prepared, as_json=as_json)
        if prepared.gameday.was_starved:
            session.note(
                "warning: this machine was too busy for that speed, so faults were given less time than it seems"
            )
            session.note(f"  help: kubernaut gameday --sandbox --speed {max(1, speed / 3):.0f}")
        return harm


async def _on_cluster(  # one argument an option
    session: Session, plan: GamedayPlan, lent: Lent, *, yes: bool, i_know: bool, as_json: bool
) -> bool:

    async with lending(lent) as hand:
        await _make_sure(session, hand, lent, i_know=i_know)
    if not yes:
        _ask(session, lent)
    async with on_cluster(plan, lent, _teller(session)) as prepared:
        return await _played(session, prepared, as_json=as_json)


async def _make_sure(session: Session, hand: Hand, lent: Lent, *, i_know: bool) -> None:
    """Refuses a cluster where we may not make namespaces, or that others seem to depend on."""
    if not await may_make_namespaces(hand):
        raise InputError(
            "this account may not make namespaces, and a gameday stays in its own", help="kubectl auth whoami"
        )
    found = await doubts(hand, lent.settings.cluster.context or "")
    if found and not i_know:
        raise InputError(
            "this looks like a cluster that others depend on:\n" + "\n".join(found), help="kubernaut gameday --i-know"
        )
    for doubt in found:
        session.note(f"warning: {doubt}")


def _ask(session: Session, lent: Lent) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask on: give --yes")
    place = lent.settings.cluster.context or "the current context"
    session.note(f"A gameday makes namespaces in {place}, breaks what it put there, and deletes them.")
    print("Go on? y/N: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        session.note("Nothing was changed.")
        raise typer.Exit(1)


async def _played(session: Session, prepared: Prepared, *, as_json: bool) -> bool:

    game = prepared.gameday
    await game.run()
    if as_json:
        session.write_json(report_json(game, prepared.left_out))
    else:
        session.write(report_lines(game, prepared.left_out, session.look()))
    return did_harm(game.results)


def _teller(session: Session) -> Callable[[Moved], None]:
    look = session.look(sys.stderr)

    def tell(moved: Moved) -> None:
        session.note(moved_line(moved, look))

    return tell


async def _clean(lent: Lent) -> Sequence[str]:

    async with lending(lent) as hand:
        names = await hand.left_over()
        for name in names:
            await hand.release(name)
        return names
