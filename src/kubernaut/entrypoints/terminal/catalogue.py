"""What `kubernaut actions` prints."""

from __future__ import annotations

from collections.abc import Iterable

from kubernaut.domain.objects import JsonObject, Tree
from kubernaut.entrypoints.terminal.escaping import wrapped
from kubernaut.entrypoints.terminal.look import Look, aligned
from kubernaut.execution.catalogue import AnyAction, Rule

_LABEL = 10


def actions_lines(actions: Iterable[AnyAction], look: Look) -> list[str]:
    """One line an action: what it works on, what it risks, whether it can be taken back."""
    rows = [
        [action.group, action.id, action.risk.value, _undo_word(action), _asked_word(action), _targets(action)]
        for action in sorted(actions, key=lambda action: (action.group, action.id))
    ]
    heading = ["GROUP", "ACTION", "RISK", "UNDO", "ASKS", "ON"]
    lines = [*aligned([heading, *rows]), "", "One of them: kubernaut actions show ACTION"]
    return [look.text(line) for line in lines]


def _undo_word(action: AnyAction) -> str:
    if not action.changes or action.replaced:
        return "not needed"
    return "yes" if action.reversible else "no"


def _asked_word(action: AnyAction) -> str:
    return "always" if action.is_asked_about else "by policy" if action.changes else "never"


def _targets(action: AnyAction) -> str:
    return ", ".join(action.targets) or "any object"


def action_lines(action: AnyAction, look: Look) -> list[str]:
    """The whole card."""
    fields = (
        ("When", action.when),
        ("Never", action.never),
        ("On", _targets(action)),
        ("Params", " · ".join(parameters_in_words(action)) or "none"),
        ("Before", action.before),
        ("Risk", action.risk.value),
        ("Asks", f"{_asked_word(action)}: a person agrees first" if action.is_asked_about else ""),
        ("Undo", action.undo),
        ("Needs", " · ".join(_rule(rule) for rule in (*action.reads, *action.writes))),
    )
    lines = wrapped(f"{action.id} v{action.version} · {action.summary}", look.width)
    for label, text in fields:
        if text:
            lines += wrapped(text, look.width, indent=" " * _LABEL, first=f"{label:<{_LABEL}}")
    return [look.text(line) for line in lines]


def parameters_in_words(action: AnyAction) -> list[str]:
    """`factor: number 1.1 to 4`, from the schema that checks them."""
    schema = Tree(action.schema())
    definition = next(iter(schema.tree("$defs").raw), "")
    properties = schema.tree("$defs", definition, "properties") if definition else schema.tree("properties")
    return [f"{name}: {_bounds(properties.tree(name))}" for name in properties.raw]


def _bounds(field: Tree) -> str:
    words = [" or ".join(field.texts("enum")) or field.text("type") or "value"]
    low, high = field.at("minimum"), field.at("maximum")
    if low is not None:
        words.append(f"from {low}")
    if high is not None:
        words.append(f"to {high}")
    if field.text("description"):
        words.append(f"({field.text('description')})")
    return " ".join(words)


def _rule(rule: Rule) -> str:
    group = f"{rule.api_group}/" if rule.api_group else ""
    return f"{group}{rule.resource} {','.join(rule.verbs)}"


def action_json(action: AnyAction) -> JsonObject:
    """The card with names that never change their meaning."""
    return {
        "id": action.id,
        "version": action.version,
        "summary": action.summary,
        "targets": list(action.targets),
        "parameters": action.schema(),
        "when": action.when,
        "never": action.never,
        "before": action.before,
        "risk": action.risk.value,
        "changes": action.changes,
        "reversible": action.reversible,
        "asks": action.is_asked_about,
        "group": action.group,
        "undo": action.undo,
        "needs": [
            {"api_group": rule.api_group, "resource": rule.resource, "verbs": list(rule.verbs)}
            for rule in (*action.reads, *action.writes)
        ],
    }
