"""`kubernaut actions`: what may be done at all. Nothing outside this catalogue ever is."""

from __future__ import annotations

from typing import Annotated

import typer

from kubernaut.domain.errors import UnknownName
from kubernaut.entrypoints.cli.guessing import did_you_mean
from kubernaut.entrypoints.cli.options import AsJson, group, help_text
from kubernaut.entrypoints.terminal.catalogue import action_json, action_lines, actions_lines
from kubernaut.execution.catalogue import discover

app = group("The catalogue of actions.", "kubernaut actions list", "kubernaut actions show rollback_deployment")


@app.command("list", help=help_text("All of them.", "kubernaut actions list --json"), short_help="All of them.")
def list_(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """One line an action."""
    catalogue = discover()
    if as_json:
        ctx.obj.write_json({"actions": [action_json(action) for action in catalogue]})
    else:
        ctx.obj.write(actions_lines(catalogue, ctx.obj.look()))


@app.command(
    help=help_text("One of them, whole.", "kubernaut actions show rollback_deployment"),
    short_help="One of them, whole.",
)
def show(
    ctx: typer.Context, action: Annotated[str, typer.Argument(metavar="ACTION")], *, as_json: AsJson = False
) -> None:
    """When it fits, what it takes, how it is taken back."""
    catalogue = discover()
    if action not in catalogue:
        hint = did_you_mean(action, [known.id for known in catalogue])
        raise UnknownName(f'no action "{action}"{hint}', help="kubernaut actions list")
    if as_json:
        ctx.obj.write_json(action_json(catalogue[action]))
    else:
        ctx.obj.write(action_lines(catalogue[action], ctx.obj.look()))
