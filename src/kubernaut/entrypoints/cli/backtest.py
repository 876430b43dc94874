"""`kubernaut backtest`: stored incidents decided upon again under another policy."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from kubernaut.engine.codec import dump
from kubernaut.entrypoints.backtests import Backtest, healed_and_left, run_backtest
from kubernaut.entrypoints.cli.options import AsJson, ConfigFile, group
from kubernaut.entrypoints.cli.session import Session
from kubernaut.entrypoints.policies import read_policy_file
from kubernaut.entrypoints.records import opened_records
from kubernaut.entrypoints.terminal.escaping import visible
from kubernaut.entrypoints.terminal.look import aligned
from kubernaut.entrypoints.value.gathering import period_of
from kubernaut.planning.guards import Autonomy
from kubernaut.planning.policy.ruling import BUILT_IN
from kubernaut.planning.replaying import What
from kubernaut.settings import load_settings

app = group(
    "What another policy would have decided, incident by incident, from what is stored. Changes nothing.",
    "kubernaut backtest --policy policy.yaml --since 30d",
    "kubernaut backtest --autonomy auto --since 30d --json",
)
_MOST_LINES = 40


@app.command(help=app.info.help)
def backtest(
    ctx: typer.Context,
    *,
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The policy to try (else the one of the settings).")
    ] = None,
    autonomy: Annotated[Autonomy | None, typer.Option(help="As if every label kubernaut.ai/autonomy said so.")] = None,
    since: Annotated[str, typer.Option(help="30d, 12h, 4w, or a date.")] = "30d",
    until: Annotated[str, typer.Option(help="A date; now where it is not given.")] = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Reads the database of the settings. What the store does not hold is counted as not known."""
    session: Session = ctx.obj
    settings = load_settings(config)
    file = policy or settings.policy.file
    what = What(read_policy_file(file) if file else BUILT_IN, autonomy)
    period = period_of(since, until, now=datetime.now(UTC))
    with opened_records(settings) as store:
        found = asyncio.run(run_backtest(store.incidents, period, what))
    if as_json:
        session.write_json(dump(found))
    else:
        session.write([session.look().text(line) for line in _lines(found)])


def _lines(found: Backtest) -> list[str]:
    under = found.policy + (f" {found.digest}" if found.digest else "")
    under += f", every label at {found.autonomy}" if found.autonomy else ""
    lines = [
        f"{found.since:%Y-%m-%d} to {found.until:%Y-%m-%d} · {found.incidents} incidents, {found.decisions} decisions "
        f"taken again under {visible(under)}",
        f"same {found.same} · other {len(found.differing)} · not known {len(found.unknown)}",
    ]
    if found.differing:
        lines += ["", "WHAT CHANGES"]
        lines += aligned(
            [["was", "would be", "incidents"], *([a, b, str(n)] for a, b, n in found.changes)], indent="  "
        )
        lines.append(f"  {healed_and_left(found.differing)} of the remedies that it changes were seen to heal.")
        lines += ["", "INCIDENTS"]
        rows = [
            [one.incident, visible(one.target), str(one.old), str(one.new), visible(one.new.rule or one.new.guard),
             visible(one.new.reason)]
            for one in found.differing[:_MOST_LINES]
        ]  # fmt: skip
        lines += aligned([["incident", "object", "was", "would be", "by", "because"], *rows], indent="  ")
        more = len(found.differing) - _MOST_LINES
        lines += [f"  {more} more: --json"] if more > 0 else []
    if found.reasons:
        lines += ["", "NOT KNOWN"]
        lines += [f"  {count}  {visible(why)}" for why, count in found.reasons]
    return [*lines, "", "What would have followed on another decision is not known and not told."]
