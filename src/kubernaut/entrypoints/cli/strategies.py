"""`kubernaut strategies`: the remedies of several steps that people declare, and the single ones beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import yaml

from kubernaut.domain.errors import StrategyError, UnknownName
from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.cli.guessing import did_you_mean
from kubernaut.entrypoints.cli.options import AsJson, CaseFile, ConfigFile, existing, group, help_text
from kubernaut.entrypoints.strategies import crd_text, read_places, try_cases
from kubernaut.entrypoints.terminal.escaping import visible
from kubernaut.entrypoints.terminal.look import aligned
from kubernaut.entrypoints.trying import Tried
from kubernaut.execution.catalogue import AnyAction, discover
from kubernaut.planning.strategies.document import API_VERSION, KIND
from kubernaut.planning.strategies.strategy import Strategy
from kubernaut.planning.strategies.trying import Came, StrategyCase
from kubernaut.settings import Settings, load_settings

app = group(
    "Show, check and try remedies of several steps.",
    "kubernaut strategies list",
    "kubernaut strategies lint strategies/",
    "kubernaut strategies test strategy-cases.yaml",
)
Places = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PATH]...", help="Files or folders (else as the settings).", callback=existing),
]
Tested = Annotated[
    Path | None,
    typer.Option(
        "--strategies", metavar="PATH", help="The strategies (else as the cases name them).", callback=existing
    ),
]
_BUILT_IN = "built in"


@app.command(
    "list",
    help=help_text("Those that are declared, and the single remedies.", "kubernaut strategies list --json"),
    short_help="All of them.",
)
def list_(ctx: typer.Context, *, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """One line a strategy, the declared ones first, since they are offered first."""
    settings = load_settings(config)
    declared = _declared(settings)
    built_in = [action for action in discover() if action.changes]
    if as_json:
        told = [*map(strategy_json, declared), *map(_built_in_json, built_in)]
        ctx.obj.write_json({"strategies": told, "not_read": _not_read(settings)})
        return
    rows = [["STRATEGY", "FOR", "STEPS", "FROM"]]
    rows += [[each.name, ", ".join(each.document.spec.causes), _steps(each), each.place] for each in declared]
    rows += [[each.id, "what recommends it", each.id, _BUILT_IN] for each in built_in]
    ctx.obj.write([visible(line) for line in aligned(rows)])
    ctx.obj.write([f"Not read here: {each} (the service reads it)." for each in _not_read(settings)])


@app.command(help=help_text("One of them, whole.", "kubernaut strategies show restart_workload"))
def show(
    ctx: typer.Context,
    strategy: Annotated[str, typer.Argument(metavar="STRATEGY")],
    *,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """As YAML that could be declared."""
    declared = {each.name: each for each in _declared(load_settings(config))}
    built_in = {str(action.id): action for action in discover() if action.changes}
    if strategy in declared:
        told = strategy_json(declared[strategy])
    elif strategy in built_in:
        told = _built_in_json(built_in[strategy])
    else:
        hint = did_you_mean(strategy, [*declared, *built_in])
        raise UnknownName(f'no strategy "{strategy}"{hint}', help="kubernaut strategies list")
    if as_json:
        ctx.obj.write_json(told)
    else:
        head = f"# {told['from']}" + (f" · {told['digest']}" if told["digest"] else "")
        text = yaml.safe_dump(told["document"], sort_keys=False, allow_unicode=True)
        ctx.obj.write([head, *(visible(line) for line in text.splitlines())])


@app.command(help=help_text("Whether they would be taken.", "kubernaut strategies lint strategies/"))
def lint(ctx: typer.Context, places: Places = None, *, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Ends with 1, and file, line, column and field where they would not."""
    named = places or _folder(load_settings(config))
    if not named:
        raise StrategyError("no strategies are named", help="kubernaut strategies lint PATH")
    found = read_places(named)
    if as_json:
        ctx.obj.write_json({"valid": True, "strategies": [strategy_json(each) for each in found]})
        return
    steps = sum(len(each.steps) for each in found)
    places_ = ", ".join(map(str, named))
    ctx.obj.write([f"{places_}: {len(found)} strategies with {steps} steps are valid."])


@app.command(
    "test",
    help=help_text(
        "Runs cases: a diagnosis, and the steps that have to follow.", "kubernaut strategies test strategy-cases.yaml"
    ),
)
def run_cases(ctx: typer.Context, file: CaseFile, *, strategies: Tested = None, as_json: AsJson = False) -> None:
    """Ends with 1 where other steps follow than expected."""
    source, tried = try_cases(file, strategies)
    wrong = [each for each in tried if each.wrong]
    if as_json:
        told = [_case_json(each) for each in tried]
        ctx.obj.write_json({"strategies": source, "cases": [*told], "failed": len(wrong)})
    else:
        ctx.obj.write([line for each in tried for line in _case_lines(each)])
        ctx.obj.write([f"{len(tried) - len(wrong)} of {len(tried)} cases as expected of {source}."])
    if wrong:
        raise typer.Exit(1)


@app.command(help=help_text("The custom resource, for kubectl apply.", "kubernaut strategies crd"))
def crd(ctx: typer.Context) -> None:
    """The CustomResourceDefinition, and the role that the service needs to read it."""
    ctx.obj.write(crd_text().splitlines())


def strategy_json(strategy: Strategy) -> JsonObject:
    """A strategy with where it stands."""
    document = strategy.document.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {"name": strategy.name, "from": strategy.place, "digest": strategy.digest, "document": document}


def _built_in_json(action: AnyAction) -> JsonObject:
    """The strategy that every remedy is which a cause recommends: one step, with the parameters of the cause."""
    spec: JsonObject = {
        "description": action.summary,
        "causes": ["*"],
        "when": f'"{action.id}" in remedies',
        "steps": [{"action": action.id}],
    }
    document: JsonObject = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": action.id.replace("_", "-")},
        "spec": spec,
    }
    return {"name": str(action.id), "from": _BUILT_IN, "digest": "", "document": document}


def _declared(settings: Settings) -> tuple[Strategy, ...]:
    return read_places(_folder(settings))


def _folder(settings: Settings) -> list[Path]:
    return [settings.strategies.folder] if settings.strategies.folder else []


def _not_read(settings: Settings) -> list[str]:
    chosen = settings.strategies
    named = [f"ConfigMap {chosen.config_map}"] if chosen.config_map else []
    return [*named, *(["the custom resources"] if chosen.resources else [])]


def _steps(strategy: Strategy) -> str:
    return " → ".join(step.action for step in strategy.steps)


def _case_json(tried: Tried[StrategyCase, Came]) -> JsonObject:
    steps = tried.came.steps if tried.came else ()
    return {
        "name": tried.case.name,
        "passed": not tried.wrong,
        "wrong": tried.wrong,
        "steps": [
            {
                "action": each.call.action,
                "strategy": each.course.strategy if each.course else "",
                "parameters": dict(each.call.parameters),
            }
            for each in steps
        ],
        "passed_over": [*(tried.came.passed_over if tried.came else ())],
    }


def _case_lines(tried: Tried[StrategyCase, Came]) -> list[str]:
    name = visible(tried.case.name)
    if not tried.wrong:
        came = tried.came.steps if tried.came else ()
        return [f"✓ {name}: {' → '.join(each.call.action for each in came) or 'nothing'}"]
    passed = tried.came.passed_over if tried.came else ()
    return [f"✗ {name}: {visible(tried.wrong)}", *(f"    {visible(each)}" for each in passed)]
