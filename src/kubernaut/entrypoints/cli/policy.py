"""`kubernaut policy`: what is allowed, whether a file would be taken, what it decides, and what decided an incident."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
import yaml

from kubernaut.domain.errors import InputError
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.entrypoints.cli.client import connect
from kubernaut.entrypoints.cli.options import AsJson, CaseFile, ConfigFile, Server, existing, group, help_text
from kubernaut.entrypoints.policies import read_policy_file, remarks, try_cases
from kubernaut.entrypoints.terminal.escaping import visible
from kubernaut.entrypoints.trying import Tried
from kubernaut.planning.policy.ruling import BUILT_IN
from kubernaut.planning.policy.trying import Came, PolicyCase
from kubernaut.settings import load_settings

app = group(
    "Show, check, try and explain what is allowed.",
    "kubernaut policy lint policy.yaml",
    "kubernaut policy test policy-cases.yaml",
    "kubernaut policy explain inc-4f7k",
)
_DECIDING = frozenset({EventKind.PLANNED, EventKind.APPROVED, EventKind.REJECTED})
PolicyFile = Annotated[Path, typer.Argument(metavar="FILE", help="The policy file.", callback=existing)]
Tested = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="The policy (else as the cases name it).", callback=existing),
]
Id = Annotated[str, typer.Argument(metavar="INCIDENT", help="Any unique start of an id.")]


@app.command(
    help=help_text("The policy in force, with every default.", "kubernaut policy show", "kubernaut policy show --json")
)
def show(ctx: typer.Context, *, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Prints the file of the settings, or the built-in policy."""
    file = load_settings(config).policy.file
    policy = read_policy_file(file) if file else BUILT_IN
    tree = policy.document.model_dump(mode="json")
    if as_json:
        ctx.obj.write_json({"source": policy.source, "digest": policy.digest, "policy": tree})
    else:
        head = f"# {policy.source}" + (f" · {policy.digest}" if policy.digest else "")
        ctx.obj.write([head, *yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).splitlines()])


@app.command(
    help=help_text(
        "Whether a file would be taken, and what of it may not be meant.", "kubernaut policy lint policy.yaml"
    )
)
def lint(ctx: typer.Context, file: PolicyFile, *, as_json: AsJson = False) -> None:
    """Ends with 1, line and field where it would not."""
    policy = read_policy_file(file)
    found = remarks(policy, datetime.now(UTC))
    document = policy.document
    if as_json:
        ctx.obj.write_json({"valid": True, "digest": policy.digest, "remarks": list(found)})
        return
    counts = f"{len(document.rules)} rules, {len(document.windows)} windows, {len(document.budgets)} budgets"
    ctx.obj.write([f"{file} is valid: {counts}.", *(f"  note: {visible(each)}" for each in found)])


@app.command(
    "test",
    help=help_text(
        "Runs cases: facts, and the decision that has to follow.", "kubernaut policy test policy-cases.yaml"
    ),
)
def run_cases(ctx: typer.Context, file: CaseFile, *, policy: Tested = None, as_json: AsJson = False) -> None:
    """Ends with 1 where a decision is another one than expected."""
    source, tried = try_cases(file, policy)
    wrong = [each for each in tried if each.wrong]
    if as_json:
        ctx.obj.write_json({"policy": source, "cases": [_case_json(each) for each in tried], "failed": len(wrong)})
    else:
        ctx.obj.write([_case_line(each) for each in tried])
        ctx.obj.write([f"{len(tried) - len(wrong)} of {len(tried)} cases as expected of {source}."])
    if wrong:
        raise typer.Exit(1)


def _case_json(tried: Tried[PolicyCase, Came]) -> JsonObject:
    came = tried.came
    told: JsonObject = {"name": tried.case.name, "passed": not tried.wrong, "wrong": tried.wrong}
    return told | ({"decision": came.decision, "guard": came.guard, "rule": came.rule} if came else {})


def _case_line(tried: Tried[PolicyCase, Came]) -> str:
    name = visible(tried.case.name)
    if tried.wrong:
        return f"✗ {name}: {visible(tried.wrong)}"
    came = tried.came
    by = f" by {came.rule or came.guard}" if came else ""
    return f"✓ {name}: {came.decision if came else ''}{by}"


@app.command(
    help=help_text(
        "Which rule or guard decided an incident, and with which inputs.", "kubernaut policy explain inc-4f7k"
    )
)
def explain(ctx: typer.Context, incident: Id, *, server: Server = None, as_json: AsJson = False) -> None:
    """Of the last decision, as it was stored with it."""
    with connect(server) as service:
        found = service.incident(incident)
        events = [event for event in service.events(found.id) if event.kind in _DECIDING]
    if not events:
        raise InputError(f"{found.id}: nothing is decided yet", help=f"kubernaut incidents show {found.id}")
    told = explanation(events[-1])
    if as_json:
        ctx.obj.write_json({"incident": found.id, **told})
    else:
        ctx.obj.write([visible(line) for line in explanation_lines(found.id, told)])


def explanation(event: Event) -> JsonObject:
    """What decided, out of the event that holds the decision."""
    body = Tree(event.body)
    return {
        "at": event.at.isoformat(),
        "decision": body.text("plan", "decision"),
        "guard": body.text("plan", "guard"),
        "rule": body.text("plan", "rule"),
        "reason": body.text("plan", "reason"),
        "policy": body.at("ruling", "policy"),
        "considered": body.at("ruling", "considered") or [],
        "inputs": body.at("ruling", "inputs") or {},
    }


def explanation_lines(incident: str, told: JsonObject) -> list[str]:
    """The explanation for people: what, by which rule, what else objected, and every input."""
    text = Tree(told)
    rule = text.text("rule")
    by = f'rule "{rule}"' if rule else f"guard {text.text('guard')}"
    source = text.text("policy", "source") or "built in"
    lines = [f"{incident}  {text.text('decision')} by {by} · policy {source} {text.text('policy', 'digest')}".rstrip()]
    lines.append(f"Because   {text.text('reason')}")
    for each in text.trees("considered"):
        named = each.text("rule") or each.text("guard")
        line = f" (line {each.integer('line')})" if each.integer("line") else ""
        lines.append(
            f"Objected  {each.text('action')}: {each.text('then')} by {named}{line} {each.text('reason')}".rstrip()
        )
    lines += [f"Input     {name} = {value}" for name, value in _flat(told.get("inputs"), "")]
    return lines


def _flat(value: Json, name: str) -> list[tuple[str, str]]:
    if isinstance(value, dict) and value:
        return [pair for key, inner in value.items() for pair in _flat(inner, f"{name}.{key}" if name else key)]
    return [(name, str(value))]
