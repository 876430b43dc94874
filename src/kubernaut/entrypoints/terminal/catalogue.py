"""What `kubernaut actions` prints."""

from __future__ import annotations

from collections.abc import Sequence

from kubernaut.entrypoints.doors import ActionCard
from kubernaut.entrypoints.terminal.escaping import wrapped
from kubernaut.entrypoints.terminal.look import Look, aligned

_LABEL = 10


def actions_lines(cards: Sequence[ActionCard], look: Look) -> list[str]:
    """One line an action: what it changes, and whether it can be taken back."""
    rows = [["ACTION", "ON", "UNDO", "PARAMETERS"]]
    for card in cards:
        undo = "yes" if card.reversible else "no"
        rows.append([card.id, ", ".join(card.kinds) or "any", undo, ", ".join(name for name, _ in card.parameters)])
    lines = [*aligned(rows), "", "One of them: kubernaut actions show ACTION"]
    return [look.text(line) for line in lines]


def action_lines(card: ActionCard, look: Look) -> list[str]:
    """The whole card."""
    parameters = " · ".join(f"{name}: {kind}" for name, kind in card.parameters) or "none"
    fields = (
        ("When", card.when),
        ("Never", card.never),
        ("On", ", ".join(card.kinds) or "any object"),
        ("Params", parameters),
        ("Before", card.before),
        ("Undo", card.undo),
        ("Needs", " · ".join(card.needs)),
    )
    lines = wrapped(f"{card.id} · {card.title}", look.width)
    for label, text in fields:
        if text:
            lines += wrapped(text, look.width, indent=" " * _LABEL, first=f"{label:<{_LABEL}}")
    return [look.text(line) for line in lines]
