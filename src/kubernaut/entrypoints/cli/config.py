"""`kubernaut config`: what is in force, and whether it would be taken."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import typer
import yaml

from kubernaut.domain.errors import ClusterError
from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.cli.options import AsJson, ConfigFile, group, help_text
from kubernaut.execution.preflight import FIX
from kubernaut.settings import Settings, load_settings

app = group("Show and check the settings in force.", "kubernaut config show", "kubernaut config check --config my.yaml")


@app.command(
    help=help_text("The settings in force, secrets hidden.", "kubernaut config show", "kubernaut config show --json")
)
def show(ctx: typer.Context, *, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Prints the tree."""
    tree = load_settings(config).shown()
    if as_json:
        ctx.obj.write_json(tree)
    else:
        ctx.obj.write(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).splitlines())


@app.command(
    help=help_text(
        "Whether `serve` would start with them, and which rights it would lack.",
        "kubernaut config check --config my.yaml",
    )
)
def check(ctx: typer.Context, *, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Ends with 1 and the field's name where it would not. A right that is missing stops no start, and is named."""
    settings = load_settings(config)
    checked = _checked(settings)
    missing, unknown = _rights(ctx, settings)
    if as_json:
        rights: JsonObject = {"known": not unknown, "missing": [*missing], "fix": FIX if missing else ""}
        ctx.obj.write_json({"valid": True, "checked": [*checked], "rights": rights})
        return
    ctx.obj.write([f"The settings are valid: {', '.join(checked)}."])
    if unknown:
        ctx.obj.write([f"The rights in the cluster could not be asked: {unknown}"])
    elif missing:
        ctx.obj.write(
            ["The account lacks rights that actions need:", *(f"  {right}" for right in missing), f"Fix: {FIX}"]
        )
    else:
        ctx.obj.write(["The account has all the rights that the actions need."])


def _rights(ctx: typer.Context, settings: Settings) -> tuple[Sequence[str], str]:
    """What is missing, or why that is not known."""
    try:
        return asyncio.run(ctx.obj.doors().rights(settings)), ""
    except ClusterError as error:
        return (), str(error)


def _checked(settings: Settings) -> list[str]:
    """What was looked at; nothing is made or connected to. Files of secrets are read: they may be missing or empty."""
    from kubernaut.adapters.store.opening import database_url  # noqa: PLC0415  # `config show` needs no database

    database_url(settings.store.url)
    checked = ["fields"]
    if settings.bearer_token() is not None:
        checked.append("http token")
    checked += [f"key of {provider.name}" for provider in settings.models.providers if provider.key()]
    if settings.policy.file:
        # The expression language takes most of a second to import.
        from kubernaut.entrypoints.policies import read_policy_file  # noqa: PLC0415

        read_policy_file(settings.policy.file)
        checked.append("policy")
    checked += [
        f"source {source.name}" for source in settings.gitops.sources if source.token() or not source.token_file
    ]
    if settings.strategies.folder:
        from kubernaut.entrypoints.strategies import read_places  # noqa: PLC0415  # as above

        read_places([settings.strategies.folder])
        checked.append("strategies")
    return checked
