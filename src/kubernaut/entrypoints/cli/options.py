"""Options and help texts that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

STDIO = "-"

if TYPE_CHECKING:
    # `kubernaut --help` needs no settings.
    from kubernaut.settings import Settings


def existing(value: Path | list[Path] | None) -> Path | list[Path] | None:
    """The callback of an option that names what is to be read: a name with nothing behind it is wrong use."""
    for place in value if isinstance(value, list) else [value] if value else []:
        if str(place) != STDIO and not place.exists():
            raise typer.BadParameter(f"{place} does not exist; give one that does")
    return value


def in_a_folder(value: Path | None) -> Path | None:
    """The callback of an option that names what is to be written: the folder has to be there."""
    if value is not None and str(value) != STDIO and not value.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {value.parent}; make it first, or name another file")
    return value


AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Settings file (else KUBERNAUT_CONFIG, else defaults).", callback=existing
    ),
]
AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", "-A", help="Look at all of them.")]
Kubeconfig = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Kubeconfig (else as kubectl).", callback=existing)
]
Context = Annotated[str | None, typer.Option(help="Context of the kubeconfig (else its current one).")]
CaseFile = Annotated[Path, typer.Argument(metavar="FILE", help="The file of cases.", callback=existing)]
Server = Annotated[
    str | None, typer.Option("--server", metavar="URL", help="Address of the service (else from the settings).")
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the record.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; --reason is then required.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who decides (else the name of this account).")]


def help_text(summary: str, *examples: str, after: str = "") -> str:
    r"""Examples first, then what the command does. `\b` keeps click from re-wrapping a paragraph."""
    shown = "\b\n" + "\n".join(f"  {example}" for example in examples)
    return "\n\n".join(part for part in (shown, summary, after) if part)


def of_cluster(settings: Settings, kubeconfig: Path | None, context: str | None) -> Settings:
    """The settings with the cluster that the command line names."""
    named = (("kubeconfig", kubeconfig), ("context", context))
    chosen = {key: str(value) for key, value in named if value is not None}
    return settings.model_copy(update={"cluster": settings.cluster.model_copy(update=chosen)})


def group(summary: str, *examples: str) -> typer.Typer:
    """A command, or a group of them, in our form."""
    return typer.Typer(
        rich_markup_mode=None,
        add_completion=False,
        no_args_is_help=False,
        help=help_text(summary, *examples),
        pretty_exceptions_enable=False,
    )
