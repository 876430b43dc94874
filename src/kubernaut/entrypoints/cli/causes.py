"""`kubernaut causes`: what can be told apart."""

from __future__ import annotations

import typer

from kubernaut.entrypoints.cli.options import AsJson, group, help_text
from kubernaut.entrypoints.terminal.look import aligned
from kubernaut.investigation.causes import catalogue

app = group(
    "The causes that are told apart from their look-alikes.", "kubernaut causes list", "kubernaut causes list --json"
)


@app.callback()
def _group() -> None:
    """Keeps `list` a command of its own: typer makes an app with a single command that command."""


@app.command("list", help=help_text("All of them.", "kubernaut causes list --json"), short_help="All of them.")
def list_(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """One line a cause."""
    causes = catalogue()
    if as_json:
        entries = [{"id": one.id, "title": one.title, "look_alikes": dict(one.look_alikes)} for one in causes]
        ctx.obj.write_json({"causes": entries})
    else:
        ctx.obj.write(aligned([["CAUSE", "WHAT IT MEANS"], *([cause.id, cause.title] for cause in causes)]))
