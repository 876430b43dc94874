"""The catalogue of actions as a page, so that the page cannot differ from the code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubernaut.domain.objects import Tree
from kubernaut.execution.catalogue import AnyAction, Rule, discover


def as_markdown(actions: Iterable[AnyAction] | None = None) -> str:
    """`docs/actions.md`."""
    head = (
        "# Actions\n\n"
        "Generated from `src/kubernaut/execution/actions/`, one folder each: "
        "`python -m kubernaut.execution.describing > docs/actions.md`.\n\n"
        "Nothing outside this list can be done to a cluster. Each action reads its preconditions just before it acts, "
        "is tried by a server-side dry run first, and says `unsupported` with the reason where it cannot do its work.\n"
    )
    chosen = sorted(discover() if actions is None else actions, key=lambda action: (action.group, action.id))
    lines = [head]
    group = ""
    for action in chosen:
        if action.group != group:
            group = action.group
            lines.append(f"\n## {group.capitalize()}\n")
        lines.append(_section(action))
    return "".join(lines)


def _section(action: AnyAction) -> str:
    asked = ", always with approval" if action.is_asked_about else ""
    lines = [f"\n### {action.id}\n", f"{action.summary[:1].upper()}{action.summary[1:]}.\n"]
    lines.append(f"- On: {', '.join(action.targets) or 'any object'}; risk {action.risk.value}{asked}")
    lines += [f"- `{name}`: {words}" for name, words in _parameters(action)]
    lines += [f"- When: {action.when}", f"- Never: {action.never}", f"- Before: {action.before}"]
    lines.append(f"- Undo: {action.undo}")
    if action.writes:
        lines.append(f"- Changes: {' · '.join(_rule(rule) for rule in action.writes)}")
    return "\n".join(lines) + "\n"


def _parameters(action: AnyAction) -> Iterator[tuple[str, str]]:
    schema = Tree(action.schema())
    definition = next(iter(schema.tree("$defs").raw), "")
    fields = schema.tree("$defs", definition, "properties")
    for name in fields.raw:
        field = fields.tree(name)
        words = " or ".join(field.texts("enum")) or field.text("type") or "value"
        words += f" from {field.at('minimum')}" if field.has("minimum") else ""
        words += f" to {field.at('maximum')}" if field.has("maximum") else ""
        yield name, f"{words}, {field.text('description')}"


def _rule(rule: Rule) -> str:
    group = f"{rule.api_group}/" if rule.api_group else ""
    return f"`{group}{rule.resource}` {', '.join(rule.verbs)}"


if __name__ == "__main__":
    print(as_markdown(), end="")  # noqa: T201  # the page is this module's output
