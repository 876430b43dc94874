"""`kubernaut serve`: the service."""

from __future__ import annotations

from typing import Annotated

import typer

from kubernaut.entrypoints.cli.address import listening
from kubernaut.entrypoints.cli.options import AsJson, ConfigFile, group
from kubernaut.entrypoints.http.gate import LOOPBACK
from kubernaut.settings import load_settings

app = group(
    "Run the service: alerts in, healed workloads out. Ctrl-C or SIGTERM ends it cleanly.",
    "kubernaut serve",
    "kubernaut serve --config kubernaut.yaml",
    "kubernaut serve --host 0.0.0.0 --port 9090",
)


@app.command(help=app.info.help)
def serve(
    ctx: typer.Context,
    *,
    config: ConfigFile = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; wins over the settings.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port; wins over the settings.")] = None,
    as_json: AsJson = False,
) -> None:
    """Prints its address once it answers."""
    settings = load_settings(config)
    http = settings.http.model_copy(
        update={key: value for key, value in (("host", host), ("port", port)) if value is not None}
    )
    with listening(http.host, http.port, command="kubernaut serve") as listener:
        number = listener.getsockname()[1]
        http = http.model_copy(update={"port": number})
        shown = f"[{http.host}]" if ":" in http.host else http.host
        address = f"http://{shown}:{number}/"

        def announce() -> None:
            if as_json:
                ctx.obj.write_json_line({"address": address})
            else:
                ctx.obj.note(f"Listening on {address}   alerts: {address}api/v1/alerts/alertmanager   Ctrl-C ends it")
            if http.host not in LOOPBACK and settings.bearer_token() is None:
                ctx.obj.note("warning: whoever reaches this address may approve and suspend; set http.token_file")

        ctx.obj.doors().serve(settings.model_copy(update={"http": http}), listener, announce)
