"""`kubernaut causes`: what can be told apart."""

from __future__ import annotations

import typer

from kubernaut.entrypoints.cli.options import AsJson, group, help_text
from kubernaut.entrypoints.terminal.look import aligned

app = group(
    "The causes that are told apart from their look-alikes.", "kubernaut causes list", "kubernaut causes list --json"
)


@app.callback()
def _group() -> None:
    """Keeps `list` a command of its own: typer makes an app with a single command that command."""


@app.command("list", help=help_text("All of them.", "kubernaut causes list --json"), short_help="All of them.")
def list_(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """One line a cause."""
    cards = ctx.obj.doors().causes()
    if as_json:
        ctx.obj.write_json({"causes": [{"id": card.id, "title": card.title} for card in cards]})
    else:
        ctx.obj.write(aligned([["CAUSE", "WHAT IT MEANS"], *([card.id, card.title] for card in cards)]))
