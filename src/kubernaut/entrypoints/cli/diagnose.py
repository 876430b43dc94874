"""`kubernaut diagnose`: finds what is wrong, and changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from kubernaut.entrypoints.cli.options import AsJson, ConfigFile, group
from kubernaut.entrypoints.doors import DiagnosisRequest
from kubernaut.entrypoints.reports import diagnosis_json
from kubernaut.entrypoints.terminal.diagnoses import report_lines
from kubernaut.settings import load_settings

app = group(
    "Find what is wrong in a cluster, with the evidence. Reads only; changes nothing.",
    "kubernaut diagnose -n shop",
    "kubernaut diagnose --all-namespaces --json",
    "kubernaut diagnose --alert alert.json",
)
FOUND = 3


@app.command(help=app.info.help)
def diagnose(  # noqa: PLR0913  # an option each
    ctx: typer.Context,
    *,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="The namespace to look at.")] = "default",
    all_namespaces: Annotated[bool, typer.Option("--all-namespaces", "-A", help="Look at all of them.")] = False,
    kubeconfig: Annotated[Path | None, typer.Option(metavar="FILE", help="Kubeconfig (else as kubectl).")] = None,
    context: Annotated[str | None, typer.Option(help="Context of the kubeconfig (else its current one).")] = None,
    alert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An Alertmanager webhook body; looks at what it names.")
    ] = None,
    config: ConfigFile = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 3 when something was found.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List every read with its time.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ends with 0 whether or not something was found, unless `--exit-code` is given."""
    settings = load_settings(config)
    chosen = {key: str(value) for key, value in (("kubeconfig", kubeconfig), ("context", context)) if value is not None}
    settings = settings.model_copy(update={"cluster": settings.cluster.model_copy(update=chosen)})
    request = DiagnosisRequest(settings, "" if all_namespaces else namespace, alert)
    report = asyncio.run(ctx.obj.doors().diagnose(request))
    if as_json:
        ctx.obj.write_json(diagnosis_json(report))
    else:
        ctx.obj.write(report_lines(report, ctx.obj.look(), verbose=verbose))
    if exit_code and report.findings:
        raise typer.Exit(FOUND)
