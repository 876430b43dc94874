"""`kubernaut snapshot`: saves what a diagnosis reads."""

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
    group,
    in_a_folder,
    of_cluster,
)
from kubernaut.entrypoints.doors import CaptureRequest
from kubernaut.entrypoints.reports import capture_json
from kubernaut.entrypoints.terminal.captures import capture_lines
from kubernaut.settings import load_settings

app = group(
    "Save what a diagnosis reads (objects, events, logs of what is not well) in one file that only you can read. "
    "Values of Secrets and what looks like a secret are left out; look into it before you hand it on. Reads only.",
    "kubernaut snapshot -n shop -o shop.tar.gz",
    "kubernaut snapshot -A -o cluster.tar.gz",
    "kubernaut diagnose --snapshot shop.tar.gz    the same answer, elsewhere",
)


@app.command(help=app.info.help)
def snapshot(  # noqa: PLR0913  # an option each
    ctx: typer.Context,
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Where to: FILE.tar.gz, not there yet.", callback=in_a_folder
        ),
    ],
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="The namespace to save.")] = "default",
    all_namespaces: AllNamespaces = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Progress goes to stderr."""
    settings = of_cluster(load_settings(config), kubeconfig, context)
    request = CaptureRequest(settings, "" if all_namespaces else namespace, output, ctx.obj.note)
    report = asyncio.run(ctx.obj.doors().capture(request))
    if as_json:
        ctx.obj.write_json(capture_json(report))
    else:
        ctx.obj.write(capture_lines(report, ctx.obj.look()))
