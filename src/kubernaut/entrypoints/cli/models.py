"""`kubernaut models`: which are asked, whether they answer, and what that took."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated

import typer

from kubernaut.entrypoints.cli.options import AsJson, ConfigFile, group, help_text
from kubernaut.entrypoints.terminal.models import (
    declared_json,
    declared_lines,
    figures_json,
    figures_lines,
    trial_json,
    trial_lines,
)
from kubernaut.settings import load_settings

app = group(
    "The language models that are asked where the rules are unsure.",
    "kubernaut models list",
    "kubernaut models check --config my.yaml",
    "kubernaut models metrics --days 30",
)


@app.command(
    "list",
    help=help_text("The providers in the order in which they are asked.", "kubernaut models list --json"),
    short_help="The providers in their order.",
)
def list_(ctx: typer.Context, *, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Prints the table; asks nobody."""
    providers = load_settings(config).models.providers
    if as_json:
        ctx.obj.write_json(declared_json(providers))
    else:
        ctx.obj.write(declared_lines(providers, ctx.obj.look()))


@app.command(
    help=help_text(
        "Asks each provider one question. Ends with 1 where none of them answers usably.",
        "kubernaut models check --config my.yaml",
        "kubernaut models check --json",
    ),
    short_help="Ask each provider one question.",
)
def check(ctx: typer.Context, *, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Prints the table."""
    trials = asyncio.run(ctx.obj.doors().try_models(load_settings(config)))
    if as_json:
        ctx.obj.write_json(trial_json(trials))
    else:
        ctx.obj.write(trial_lines(trials, ctx.obj.look()))
    if not any(one.works for one in trials):
        raise typer.Exit(1)


@app.command(
    help=help_text(
        "What the analysis took and how good it was, from the events of the store in the settings.",
        "kubernaut models metrics --days 30",
        "kubernaut models metrics --json",
    ),
    short_help="Requests, tokens, cost, quality.",
)
def metrics(
    ctx: typer.Context,
    *,
    days: Annotated[float, typer.Option(min=0.01, max=3650, help="Of incidents opened in so many days.")] = 30,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Prints the figures, and how many of them the events give again by another way."""
    found = asyncio.run(ctx.obj.doors().model_figures(load_settings(config), timedelta(days=days)))
    if as_json:
        ctx.obj.write_json(figures_json(found))
    else:
        ctx.obj.write(figures_lines(found, ctx.obj.look()))
