"""`kubernaut suspend`: the kill switch."""

from __future__ import annotations

import typer

from kubernaut.entrypoints.cli.asking import confirmed, who
from kubernaut.entrypoints.cli.client import connect
from kubernaut.entrypoints.cli.options import AsJson, By, Reason, Server, Yes, group

app = group(
    "Switch all actions off, at once. What is being applied is finished or taken back; nothing new starts.",
    "kubernaut suspend",
    'kubernaut suspend --yes --reason "freeze until Monday"',
)


@app.command(help=app.info.help)
def suspend(
    ctx: typer.Context,
    *,
    reason: Reason = None,
    by: By = None,
    yes: Yes = False,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Asks first, and says what is off."""
    with connect(server) as service:
        why = confirmed(ctx.obj, "Suspend all actions in every namespace", reason=reason, yes=yes)
        answer = service.post("suspend", {"by": who(by), "reason": why})
    if as_json:
        ctx.obj.write_json(answer)
    else:
        ctx.obj.write([f"All actions are suspended by {who(by)}: {why}", "Allow them again: kubernaut resume"])
