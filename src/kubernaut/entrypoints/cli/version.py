"""`kubernaut version`."""

from __future__ import annotations

import platform
from importlib.metadata import version as version_of

import typer

from kubernaut.entrypoints.cli.options import AsJson, group

app = group("The version of this program.", "kubernaut version", "kubernaut version --json")


@app.command(help=app.info.help)
def version(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Prints it."""
    mine, python = version_of("kubernaut"), platform.python_version()
    if as_json:
        ctx.obj.write_json({"version": mine, "python": python})
    else:
        ctx.obj.write([f"kubernaut {mine} (Python {python})"])
