"""`kubernaut resume`: ends a suspension."""

from __future__ import annotations

import typer

from kubernaut.entrypoints.cli.asking import who
from kubernaut.entrypoints.cli.client import connect
from kubernaut.entrypoints.cli.options import AsJson, By, Server, group

app = group("Allow actions again after `suspend`.", "kubernaut resume", "kubernaut resume --by anna")


@app.command(help=app.info.help)
def resume(ctx: typer.Context, *, by: By = None, server: Server = None, as_json: AsJson = False) -> None:
    """Says that they are on again."""
    with connect(server) as service:
        answer = service.post("resume", {"by": who(by)})
    if as_json:
        ctx.obj.write_json(answer)
    else:
        ctx.obj.write(["Actions are allowed again."])
