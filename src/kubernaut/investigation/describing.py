"""The catalogue of causes as pages, one a cause and one that lists them, so that they cannot differ from the code."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator

from kubernaut.investigation.causes import catalogue
from kubernaut.investigation.finding import Cause, Finding, Role

_GENERATED = "Generated from `src/kubernaut/investigation/causes/` by `python tools/cause_pages.py`."
# What these give back holds a return to a former revision, where there is one that worked.
_WAYS_BACK = frozenset({"way_back", "roll_back", "origin"})
_HARMLESS = frozenset({"escalate", "collect_diagnostics"})
_OURS = "kubernaut.investigation"
_ROLLBACKS = ("rollback_deployment", "rollback_statefulset", "rollback_daemonset")
_ROLES = {
    Role.FAULT: "",
    Role.OUTLINE: "It is asked for only where no more exact cause fits.",
    Role.SETTLED: "It means that nothing is to be mended.",
    Role.LAST: "It is the last word, where no other cause fits.",
}


def index_page() -> str:
    """`docs/causes.md`."""
    rows = [f"| [{cause.id}](causes/{cause.id}.md) | {cause.title} |" for cause in catalogue()]
    head = (
        f"# Causes\n\n{_GENERATED}\n\nA cause is acted on only where every list it needs was read to its end, two "
        "independent sources agree, and nothing speaks against it.\n\n| cause | what it means |\n|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def cause_page(cause: Cause) -> str:
    """`docs/causes/ID.md`."""
    parts = [f"# {cause.id}\n\n{cause.title}.", " ".join(filter(None, (cause.know, _ROLES[cause.role])))]
    parts.append("## How it is recognised\n\n" + "\n".join(_signs(cause)))
    if cause.look_alikes:
        told = (f"- [{other}]({other}.md): {words}" for other, words in cause.look_alikes.items())
        parts.append("## What it must not be taken for\n\n" + "\n".join(told))
    parts.append(f"## What is done\n\n{_remedies(cause)}")
    if cause.by_hand:
        commands = "\n".join(command.replace("{{", "{").replace("}}", "}") for command in cause.by_hand)
        head = "## How to check by hand\n\nThe words in braces are filled in where it is found."
        parts.append(f"{head}\n\n```text\n{commands}\n```")
    parts.append(f"[All causes](../causes.md). {_GENERATED}")
    return "\n\n".join(parts) + "\n"


def _signs(cause: Cause) -> Iterator[str]:
    asked = {
        "workload": cause.workload,
        "Service": cause.service,
        "node": cause.node,
        "object": cause.thing or cause.other,
    }
    for subject, examine in asked.items():
        words = _words(examine) if examine else ""
        if words:
            yield f"- {words}"
        elif examine:
            yield f"- Asked of a {subject}."
    if cause.needs:
        yield f"- Read for it: {', '.join(cause.needs)}. What of these could not be read lowers the confidence."
    if cause.narrows:
        wider = ", ".join(f"[{one}]({one}.md)" for one in cause.narrows)
        yield f"- It says more exactly what would else be called {wider}."


def _words(examine: Callable[..., Finding | None]) -> str:
    """What the function says of itself, its first paragraphs as one line."""
    return re.sub(r"\s+", " ", inspect.getdoc(examine) or "").strip()


def _remedies(cause: Cause) -> str:
    named = sorted(_actions(cause))
    if not named:
        return "Nothing is changed: a person decides."
    listed = ", ".join(f"[{action}](../actions.md#{action})" for action in named)
    return (
        f"Where the evidence allows it: {listed}. Each only within the policy, after a dry run, and taken back if it "
        "does not help. Else a person decides."
    )


def _actions(cause: Cause) -> set[str]:
    """The actions that its functions name, and those that these call; returns to a former revision among them."""
    found: set[str] = set()
    waiting: list[object] = [cause.workload, cause.service, cause.node, cause.thing, cause.other]
    seen: set[object] = set()
    while waiting:
        function = waiting.pop()
        if not inspect.isfunction(function) or function in seen or not function.__module__.startswith(_OURS):
            continue
        seen.add(function)
        found.update(_named(function))
        used = inspect.getclosurevars(function)
        waiting += [*used.globals.values(), *used.nonlocals.values()]
    return found - _HARMLESS


def _named(function: Callable[..., object]) -> Iterator[str]:
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        first = node.args[0] if node.args else None
        if name in _WAYS_BACK:
            yield from _ROLLBACKS
        elif name == "call" and isinstance(first, ast.Constant):
            yield str(first.value)
