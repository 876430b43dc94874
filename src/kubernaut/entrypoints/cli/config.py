"""`kubernaut config`: what is in force, and whether it would be taken."""

from __future__ import annotations

import typer
import yaml

from kubernaut.entrypoints.cli.options import AsJson, ConfigFile, group, help_text
from kubernaut.settings import Settings, load_settings

app = group("Show and check the settings in force.", "kubernaut config show", "kubernaut config check --config my.yaml")


@app.command(
    help=help_text("The settings in force, secrets hidden.", "kubernaut config show", "kubernaut config show --json")
)
def show(ctx: typer.Context, *, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Prints the tree."""
    tree = load_settings(config).model_dump(mode="json")
    if as_json:
        ctx.obj.write_json(tree)
    else:
        ctx.obj.write(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).splitlines())


@app.command(help=help_text("Whether `serve` would start with them.", "kubernaut config check --config my.yaml"))
def check(ctx: typer.Context, *, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Ends with 1 and the field's name where it would not."""
    checked = _checked(load_settings(config))
    if as_json:
        ctx.obj.write_json({"valid": True, "checked": checked})
    else:
        ctx.obj.write([f"The settings are valid: {', '.join(checked)}."])


def _checked(settings: Settings) -> list[str]:
    """What was looked at. Reading the secret files is part of it: they may be missing or empty."""
    checked = ["fields"]
    if settings.bearer_token() is not None:
        checked.append("http token")
    checked += [f"key of {provider.name}" for provider in settings.models.providers if provider.key()]
    if settings.policy.file:
        # The expression language takes most of a second to import.
        from kubernaut.entrypoints.policies import read_policy_file  # noqa: PLC0415

        read_policy_file(settings.policy.file)
        checked.append("policy")
    return checked
