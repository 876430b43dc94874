"""`kubernaut rbac`: the rights that the service needs, no more."""

from __future__ import annotations

import re
from typing import Annotated

import typer
import yaml

from kubernaut.domain.errors import WrongValue
from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.cli.guessing import did_you_mean
from kubernaut.entrypoints.cli.options import AsJson, group, help_text
from kubernaut.execution.catalogue import Catalogue, discover
from kubernaut.execution.roles import Account, read_roles, write_roles

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

app = group("The rights that the service needs.", "kubernaut rbac render | kubectl apply -f -")


@app.callback()
def _group() -> None:
    """Keeps `render` a command of its own: typer makes an app with a single command that command."""


@app.command(
    help=help_text(
        "The roles, for kubectl apply -f -.",
        "kubernaut rbac render --read | kubectl apply -f -      what a diagnosis reads",
        "kubernaut rbac render --namespace shop --namespace pay | kubectl apply -f -",
        "kubernaut rbac render --actions restart_pod,rollback_deployment",
    ),
    short_help="The roles, for kubectl apply -f -.",
)
def render(  # one argument an option
    ctx: typer.Context,
    *,
    namespace: Annotated[
        list[str] | None, typer.Option("--namespace", "-n", help="Where it may change things; all where none is named.")
    ] = None,
    actions: Annotated[str, typer.Option(help="Only the rights of these, as a,b,c.")] = "",
    read: Annotated[bool, typer.Option("--read", help="Only what it reads.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Only what it changes.")] = False,
    account: Annotated[str, typer.Option(help="The service account, as namespace/name.")] = "kubernaut/kubernaut",
    as_json: AsJson = False,
) -> None:
    """Reading apart from changing; what is changed bound a namespace."""
    chosen, bound, places = (
        _chosen(actions),
        _account(account),
        [_checked("--namespace", each) for each in namespace or ()],
    )
    both = read == write
    documents: list[JsonObject] = []
    if read or both:
        documents += read_roles(chosen, bound)
    if write or both:
        documents += write_roles(chosen, bound, places)
    if as_json:
        ctx.obj.write_json({"apiVersion": "v1", "kind": "List", "items": [*documents]})
        return
    lines = _heading(places, changes=write or both)
    lines += yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True).splitlines()
    ctx.obj.write(lines)


def _heading(places: list[str], *, changes: bool) -> list[str]:
    if not changes:
        return []
    if places:
        return [f"# Changes are allowed in {', '.join(places)} alone, and on nodes where an action needs it."]
    return ["# Changes are allowed in every namespace; --namespace NAME allows them in those alone."]


def _chosen(actions: str) -> Catalogue:
    catalogue = discover()
    names = [name.strip() for name in actions.split(",") if name.strip()]
    for name in names:
        if name not in catalogue:
            hint = did_you_mean(name, [known.id for known in catalogue])
            raise WrongValue("--actions", name, f"there is no such action{hint}; kubernaut actions list tells them")
    return catalogue.only(frozenset(names)) if names else catalogue


def _account(text: str) -> Account:
    namespace, _, name = text.partition("/")
    return Account(_checked("--account", namespace), _checked("--account", name))


def _checked(option: str, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise WrongValue(option, name, "this is no name of a namespace or an account")
    return name
