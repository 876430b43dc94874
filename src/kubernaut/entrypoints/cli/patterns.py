"""`kubernaut patterns`: the memory of finished incidents."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from kubernaut.domain.errors import InputError
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.cli.options import AsJson, ConfigFile, existing, group, help_text, in_a_folder
from kubernaut.entrypoints.remembering import Memory, as_json, memory_of, migrate, read_in
from kubernaut.entrypoints.terminal.escaping import visible
from kubernaut.entrypoints.terminal.look import aligned
from kubernaut.ports import PatternFilter
from kubernaut.settings import load_settings

T = TypeVar("T")

app = group(
    "The memory of finished incidents.",
    "kubernaut patterns list --cause memory_limit_too_low",
    'kubernaut patterns search "container killed for its memory"',
    "kubernaut patterns export patterns.jsonl",
)


class StoreKind(StrEnum):
    """Where patterns can be."""

    EMBEDDED = "embedded"
    PGVECTOR = "pgvector"
    WEAVIATE = "weaviate"


Cause = Annotated[str, typer.Option(metavar="ID", help="Of that cause only.")]
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Of that namespace only.")]
Outcome = Annotated[Ending | None, typer.Option(help="That ended so only.")]
SinceDays = Annotated[float | None, typer.Option("--since-days", min=0, max=36_500, help="Of the last days only.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")]


@app.command(
    "list", help=help_text("The newest.", "kubernaut patterns list --outcome healed"), short_help="The newest."
)
def list_(  # noqa: PLR0913  # each is an option of the command line
    ctx: typer.Context,
    *,
    cause: Cause = "",
    namespace: Namespace = "",
    outcome: Outcome = None,
    since_days: SinceDays = None,
    limit: Limit = 50,
    config: ConfigFile = None,
    as_json_: AsJson = False,
) -> None:
    """One line a pattern."""
    where = _filter(cause, namespace, outcome, since_days)
    found = _with_memory(config, lambda memory: memory.patterns.newest(where=where, limit=limit))
    if as_json_:
        ctx.obj.write_json({"patterns": [_without_vector(each) for each in found]})
    else:
        ctx.obj.write(_table([(None, each) for each in found]))


@app.command(
    help=help_text("The most like a text.", 'kubernaut patterns search "image cannot be pulled" -n shop'),
    short_help="The most like a text.",
)
def search(  # noqa: PLR0913  # each is an option of the command line
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(help="What happened, in your words.")],
    *,
    cause: Cause = "",
    namespace: Namespace = "",
    outcome: Outcome = None,
    since_days: SinceDays = None,
    limit: Limit = 5,
    config: ConfigFile = None,
    as_json_: AsJson = False,
) -> None:
    """Most alike first, with the likeness."""
    where = _filter(cause, namespace, outcome, since_days)
    found = _with_memory(config, lambda memory: memory.search(text, where=where, limit=limit))
    if as_json_:
        told = [{"likeness": round(each.likeness, 4), **_without_vector(each.pattern)} for each in found]
        ctx.obj.write_json({"patterns": told})
    else:
        ctx.obj.write(_table([(each.likeness, each.pattern) for each in found]))


@app.command(help=help_text("One, whole.", "kubernaut patterns show INCIDENT"), short_help="One, whole.")
def show(
    ctx: typer.Context,
    incident: Annotated[str, typer.Argument(help="The id of its incident.")],
    *,
    config: ConfigFile = None,
    as_json_: AsJson = False,
) -> None:
    """Its text, its strategy and its outcome."""
    pattern = _with_memory(config, lambda memory: memory.one(incident))
    if as_json_:
        ctx.obj.write_json(as_json(pattern))
        return
    ctx.obj.write(aligned(_facts(pattern)))
    ctx.obj.write(["", *(visible(line) for line in pattern.text.splitlines())])


@app.command(
    help=help_text("Write all of them to a file, one JSON object a line.", "kubernaut patterns export patterns.jsonl"),
    short_help="Write all of them to a file.",
)
def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file to write; - is stdout.", callback=in_a_folder)],
    *,
    config: ConfigFile = None,
    as_json_: AsJson = False,
) -> None:
    """Vectors included, so that nothing has to be embedded again."""
    if str(file) == "-" and as_json_:
        raise InputError("stdout is either the patterns or the report: name a file")

    async def work(memory: Memory) -> int:
        if str(file) == "-":
            return await _write(memory, sys.stdout.write)
        try:
            with file.open("w", encoding="utf-8") as opened:
                return await _write(memory, opened.write)
        except OSError as error:
            raise InputError(f"{file}: {error.strerror}") from error

    count = _with_memory(config, work)
    if str(file) != "-":
        _said(ctx, {"exported": count, "file": str(file)}, f"{count} patterns in {file}", as_json_=as_json_)


@app.command(
    "import",
    help=help_text("Store the patterns of an exported file.", "kubernaut patterns import patterns.jsonl"),
    short_help="Store the patterns of a file.",
)
def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file to read; - is stdin.", callback=existing)],
    *,
    config: ConfigFile = None,
    as_json_: AsJson = False,
) -> None:
    """What is there under the same id is replaced. A file with a bad line is not taken at all."""

    async def work(memory: Memory) -> int:
        if str(file) == "-":
            return await read_in(sys.stdin, memory.patterns)
        try:
            with file.open(encoding="utf-8") as opened:
                return await read_in(opened, memory.patterns)
        except OSError as error:
            raise InputError(f"{file}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise InputError(f"{file}: not UTF-8") from error

    count = _with_memory(config, work)
    _said(ctx, {"imported": count}, f"{count} patterns are stored", as_json_=as_json_)


@app.command(
    "migrate",
    help=help_text(
        "Copy all of them from one store to another.", "kubernaut patterns migrate --from embedded --to pgvector"
    ),
    short_help="Copy all of them to another store.",
)
def migrate_(
    ctx: typer.Context,
    *,
    source: Annotated[StoreKind, typer.Option("--from", help="The store that has them.")],
    target: Annotated[StoreKind, typer.Option("--to", help="The store that gets them.")],
    config: ConfigFile = None,
    as_json_: AsJson = False,
) -> None:
    """The first store keeps what it has."""
    settings = load_settings(config)
    count = asyncio.run(migrate(settings, source.value, target.value))
    report: JsonObject = {"copied": count, "from": source.value, "to": target.value}
    _said(ctx, report, f"{count} patterns copied from {source.value} to {target.value}", as_json_=as_json_)


@app.command(
    help=help_text("Embed anew what another model embedded.", "kubernaut patterns reembed"),
    short_help="Embed anew what another model embedded.",
)
def reembed(ctx: typer.Context, *, config: ConfigFile = None, as_json_: AsJson = False) -> None:
    """Until then they are not found: vectors of two models cannot be compared."""

    async def work(memory: Memory) -> tuple[int, str]:
        return await memory.reembed(), memory.embedder.name

    count, name = _with_memory(config, work)
    _said(ctx, {"embedded": count, "embedder": name}, f"{count} patterns embedded by {name}", as_json_=as_json_)


@app.command(help=help_text("Forget some.", "kubernaut patterns forget INCIDENT"), short_help="Forget some.")
def forget(
    ctx: typer.Context,
    incidents: Annotated[list[str], typer.Argument(help="The ids of their incidents.")],
    *,
    config: ConfigFile = None,
    as_json_: AsJson = False,
) -> None:
    """The incidents stay; what they taught is gone."""
    ids = [IncidentId(each) for each in incidents]
    count = _with_memory(config, lambda memory: memory.patterns.delete(ids))
    if count == 0:
        raise InputError("none of these is remembered", help="kubernaut patterns list")
    _said(ctx, {"forgotten": count}, f"{count} of {len(ids)} patterns forgotten", as_json_=as_json_)


def _with_memory(config: Path | None, work: Callable[[Memory], Awaitable[T]]) -> T:
    settings = load_settings(config)

    async def run() -> T:
        async with memory_of(settings) as memory:
            return await work(memory)

    return asyncio.run(run())


async def _write(memory: Memory, write: Callable[[str], object]) -> int:
    count = 0
    async for pattern in memory.all():
        write(json.dumps(as_json(pattern), ensure_ascii=False) + "\n")
        count += 1
    return count


def _filter(cause: str, namespace: str, outcome: Ending | None, since_days: float | None) -> PatternFilter:
    since = datetime.now(UTC) - timedelta(days=since_days) if since_days is not None else None
    return PatternFilter(cause=cause, namespace=namespace, ending=outcome, since=since)


def _without_vector(pattern: Pattern) -> JsonObject:
    return {key: value for key, value in as_json(pattern).items() if key != "vector"} | {"dimension": pattern.dimension}


def _table(found: Sequence[tuple[float | None, Pattern]]) -> list[str]:
    if not found:
        return ["No such pattern."]
    rows = [["INCIDENT", "ENDED", "OUTCOME", "CAUSE", "ACTION", "NAMESPACE", "LIKENESS"]]
    for likeness, each in found:
        alike = "" if likeness is None else f"{likeness:.2f}"
        ended = each.at.strftime("%Y-%m-%d %H:%M")
        rows.append([each.id, ended, each.ending, each.cause or "-", each.action or "-", each.namespace or "-", alike])
    return aligned([[visible(str(cell)) for cell in row] for row in rows])


def _facts(pattern: Pattern) -> list[list[str]]:
    parameters = " ".join(f"{key}={value}" for key, value in pattern.parameters.items())
    facts = {
        "incident": pattern.id,
        "cause": pattern.cause or "-",
        "action": f"{pattern.action or '-'} {parameters}".strip(),
        "outcome": f"{pattern.ending.value} after {pattern.seconds:.0f} s",
        "namespace": pattern.namespace or "-",
        "ended": pattern.at.isoformat(),
        "tokens": str(pattern.tokens),
        "embedder": f"{pattern.embedder}, {pattern.dimension} dimensions",
    }
    return [[name, visible(value)] for name, value in facts.items()]


def _said(ctx: typer.Context, report: JsonObject, text: str, *, as_json_: bool) -> None:
    if as_json_:
        ctx.obj.write_json(report)
    else:
        ctx.obj.write([text])
