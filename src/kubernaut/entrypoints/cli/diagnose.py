"""`kubernaut diagnose`: finds what is wrong, and changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from kubernaut.entrypoints.cli.options import (
    AllNamespaces,
    AsJson,
    ConfigFile,
    Context,
    Kubeconfig,
    existing,
    group,
    of_cluster,
)
from kubernaut.entrypoints.doors import DiagnosisRequest
from kubernaut.entrypoints.reports import diagnosis_json
from kubernaut.entrypoints.terminal.diagnoses import report_lines
from kubernaut.settings import load_settings

app = group(
    "Find what is wrong in a cluster, live or saved, with the evidence. Reads only; changes nothing.",
    "kubernaut diagnose -n shop",
    "kubernaut diagnose --all-namespaces --json",
    "kubernaut diagnose --alert alert.json",
    "kubernaut diagnose --snapshot shop.tar.gz    saved by `kubernaut snapshot`",
    "kubernaut diagnose --snapshot must-gather/   a dump, JSON or YAML as well",
    "kubernaut diagnose --snapshot ticket.txt     a pasted `$ kubectl` session",
)
FOUND = 3


@app.command(help=app.info.help)
def diagnose(  # noqa: PLR0913  # an option each
    ctx: typer.Context,
    *,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="The namespace (else default; of a snapshot, all).")
    ] = None,
    all_namespaces: AllNamespaces = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    alert: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="An Alertmanager webhook body; looks at what it names.", callback=existing),
    ] = None,
    snapshot: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A saved cluster: a file, folder or archive.", callback=existing)
    ] = None,
    config: ConfigFile = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 3 when something was found.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List every read with its time.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ends with 0 whether or not something was found, unless `--exit-code` is given."""
    if snapshot is not None and (kubeconfig is not None or context is not None):
        raise typer.BadParameter("a snapshot needs no cluster: leave out --kubeconfig and --context")
    settings = of_cluster(load_settings(config), kubeconfig, context)
    everywhere = all_namespaces or (snapshot is not None and namespace is None)
    request = DiagnosisRequest(settings, "" if everywhere else namespace or "default", alert, snapshot)
    report = asyncio.run(ctx.obj.doors().diagnose(request))
    if as_json:
        ctx.obj.write_json(diagnosis_json(report))
    else:
        ctx.obj.write(report_lines(report, ctx.obj.look(), verbose=verbose))
    if exit_code and report.findings:
        raise typer.Exit(FOUND)
