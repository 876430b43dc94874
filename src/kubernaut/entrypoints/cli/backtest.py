"""`kubernaut backtest`: stored incidents decided upon again, with something in the place of what was in force."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from kubernaut.domain.objects import JsonObject
from kubernaut.engine.codec import dump
from kubernaut.entrypoints.backtests import Backtest, Otherwise, healed_and_left, run_backtest
from kubernaut.entrypoints.cli.options import AsJson, ConfigFile, existing, group
from kubernaut.entrypoints.cli.periods import Records, Since, Until, opened_period
from kubernaut.entrypoints.cli.session import Session
from kubernaut.entrypoints.cli.trying_models import (
    RULES,
    Trial,
    answered,
    comparison_json,
    comparison_lines,
    instead_of,
    prepared,
)
from kubernaut.entrypoints.otherwise import OtherStrategies
from kubernaut.entrypoints.policies import read_policy_file
from kubernaut.entrypoints.reasking import compared, stored_questions
from kubernaut.entrypoints.strategies import read_places
from kubernaut.entrypoints.terminal.escaping import visible
from kubernaut.entrypoints.terminal.look import aligned
from kubernaut.execution.catalogue import discover
from kubernaut.planning.guards import Autonomy
from kubernaut.planning.policy.ruling import BUILT_IN
from kubernaut.planning.replaying import What
from kubernaut.settings import Settings
from kubernaut.strategy_wiring import known_names

app = group(
    "What another policy, other strategies or another model would have decided, from what is stored. Changes nothing.",
    "kubernaut backtest --policy policy.yaml --since 30d",
    "kubernaut backtest --autonomy auto --since 30d --json",
    "kubernaut backtest --strategies strategies/ --since 30d",
    "kubernaut backtest --model rules --since 30d",
    "kubernaut backtest --model local --most-questions 20 --yes",
)
_MOST_LINES = 40


@app.command(help=app.info.help)
def backtest(  # noqa: PLR0913  # an option each
    ctx: typer.Context,
    *,
    policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The policy to try (else the one of the settings).", callback=existing),
    ] = None,
    autonomy: Annotated[Autonomy | None, typer.Option(help="As if every label kubernaut.ai/autonomy said so.")] = None,
    strategies: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Strategies, a file or a folder, for those in force.", callback=existing),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="PROVIDER", help=f"Ask this one the stored questions; {RULES}: ask nobody.")
    ] = None,
    most_questions: Annotated[int, typer.Option(min=1, max=10_000, help="Ask no more than so many.")] = 100,
    yes: Annotated[bool, typer.Option("--yes", help="Ask, at the cost that is shown without it.")] = False,
    since: Since = "30d",
    until: Until = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Reads the database of the settings. What the store does not hold is counted as not known."""
    session: Session = ctx.obj
    if strategies is not None and model is not None:
        raise typer.BadParameter("give --strategies or --model, not both: one change at a time tells what it changes")
    otherwise = _strategies(strategies) if strategies else None
    with opened_period(config, since, until) as records:
        what = _what(records.settings, policy, autonomy)
        if model is None:
            tried = run_backtest(
                records.store.incidents, records.period, what, otherwise=otherwise, tried=str(strategies or "")
            )
            _tell(session, asyncio.run(tried), as_json=as_json)
        else:
            trial = Trial(records.settings, model, most_questions, agreed=yes)
            asyncio.run(_with_model(session, records, what, trial, as_json=as_json))


def _what(settings: Settings, policy: Path | None, autonomy: Autonomy | None) -> What:
    file = policy or settings.policy.file
    return What(read_policy_file(file) if file else BUILT_IN, autonomy)


def _strategies(place: Path) -> Otherwise:
    catalogue = discover()
    return OtherStrategies(read_places([place]), known_names(catalogue), catalogue).instead


async def _with_model(session: Session, records: Records, what: What, trial: Trial, *, as_json: bool) -> None:
    incidents, period = records.store.incidents, records.period
    ready = prepared(trial, await stored_questions(incidents, period))
    if ready.provider is not None and not trial.agreed:
        if as_json:
            session.write_json({"would_ask": dump(ready.bound), "asked": False})
        else:
            session.write([session.look().text(ready.costs), "Nothing was asked: add --yes to ask."])
        return
    session.note(ready.costs)
    catalogue = discover()
    replies = await answered(trial, ready, catalogue)
    other = instead_of(ready, replies, catalogue).instead
    tried = f"the model {replies.who}" if ready.provider else "the rules alone"
    found = await run_backtest(incidents, period, what, otherwise=other, tried=tried)
    if as_json:
        session.write_json({**_json(found), "model": comparison_json(ready, replies)})
        return
    answers = comparison_lines(compared(ready.asked, replies)) if ready.provider else []
    session.write([session.look().text(line) for line in _lines(found, answers)])


def _tell(session: Session, found: Backtest, *, as_json: bool) -> None:
    if as_json:
        session.write_json(_json(found))
    else:
        session.write([session.look().text(line) for line in _lines(found)])


def _json(found: Backtest) -> JsonObject:
    told = dump(found)
    return told if isinstance(told, dict) else {}


def _lines(found: Backtest, more: Sequence[str] = ()) -> list[str]:
    under = found.policy + (f" {found.digest}" if found.digest else "")
    under += f", every label at {found.autonomy}" if found.autonomy else ""
    under += f", with {found.tried}" if found.tried else ""
    lines = [
        f"{found.since:%Y-%m-%d} to {found.until:%Y-%m-%d} · {found.incidents} incidents, {found.decisions} decisions "
        f"taken again under {visible(under)}",
        f"same {found.same} · other {len(found.differing)} · not known {len(found.unknown)}",
    ]
    lines += _differing(found) if found.differing else []
    if found.reasons:
        lines += ["", "NOT KNOWN"]
        lines += [f"  {count}  {visible(why)}" for why, count in found.reasons]
    lines += more
    return [
        *lines,
        "",
        "What would have followed is not known and not told: what nobody did has no outcome.",
    ]


def _differing(found: Backtest) -> list[str]:
    lines = ["", "WHAT CHANGES"]
    lines += aligned([["was", "would be", "incidents"], *([a, b, str(n)] for a, b, n in found.changes)], indent="  ")
    lines.append(f"  {healed_and_left(found.differing)} of the remedies that it changes were seen to heal.")
    lines += ["", "INCIDENTS"]
    rows = [
        [one.incident, visible(one.target), str(one.old), str(one.new), visible(one.new.rule or one.new.guard),
         visible(one.new.reason)]
        for one in found.differing[:_MOST_LINES]
    ]  # fmt: skip
    lines += aligned([["incident", "object", "was", "would be", "by", "because"], *rows], indent="  ")
    more = len(found.differing) - _MOST_LINES
    return lines + ([f"  {more} more: --json"] if more > 0 else [])
