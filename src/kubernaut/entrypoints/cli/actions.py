"""`kubernaut actions`: what may be done at all. Nothing outside this catalogue ever is."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

import typer

from kubernaut.domain.errors import UnknownName
from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.cli.options import AsJson, group, help_text
from kubernaut.entrypoints.doors import ActionCard
from kubernaut.entrypoints.terminal.catalogue import action_lines, actions_lines

app = group("The catalogue of actions.", "kubernaut actions list", "kubernaut actions show rollback_deployment")


@app.command("list", help=help_text("All of them.", "kubernaut actions list --json"), short_help="All of them.")
def list_(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """One line an action."""
    cards = ctx.obj.doors().actions()
    if as_json:
        ctx.obj.write_json({"actions": [card_json(card) for card in cards]})
    else:
        ctx.obj.write(actions_lines(cards, ctx.obj.look()))


@app.command(
    help=help_text("One of them, whole.", "kubernaut actions show rollback_deployment"),
    short_help="One of them, whole.",
)
def show(
    ctx: typer.Context, action: Annotated[str, typer.Argument(metavar="ACTION")], *, as_json: AsJson = False
) -> None:
    """When it fits, what it takes, how it is taken back."""
    cards = {card.id: card for card in ctx.obj.doors().actions()}
    if action not in cards:
        near = get_close_matches(action, cards)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise UnknownName(f'no action "{action}"{hint}', help="kubernaut actions list")
    if as_json:
        ctx.obj.write_json(card_json(cards[action]))
    else:
        ctx.obj.write(action_lines(cards[action], ctx.obj.look()))


def card_json(card: ActionCard) -> JsonObject:
    """The card with names that never change their meaning."""
    return {
        "id": card.id,
        "title": card.title,
        "kinds": list(card.kinds),
        "parameters": dict(card.parameters),
        "reversible": card.reversible,
        "undo": card.undo,
        "when": card.when,
        "never": card.never,
        "before": card.before,
        "needs": list(card.needs),
    }
