"""`kubernaut value`: what it was worth, from the database or from a running service."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from kubernaut.declared import value_inputs
from kubernaut.domain.errors import InputError, StoreError, WrongValue
from kubernaut.engine.codec import dump, load
from kubernaut.entrypoints.cli.client import connect
from kubernaut.entrypoints.cli.options import AsJson, ConfigFile, Server, existing, group, help_text, in_a_folder
from kubernaut.entrypoints.cli.periods import Records, Since, Until, opened_period
from kubernaut.entrypoints.cli.session import Session
from kubernaut.entrypoints.terminal.escaping import visible
from kubernaut.entrypoints.value.charts import charts_of
from kubernaut.entrypoints.value.gathering import exported_histories, gather_shadow, gather_value
from kubernaut.entrypoints.value.pdf import as_pdf
from kubernaut.entrypoints.value.proposed import shadow_sheet
from kubernaut.entrypoints.value.sheet import sheet_of
from kubernaut.entrypoints.value.summary import gather_summary, summary_lines, summary_title
from kubernaut.entrypoints.value.writing import as_csv, as_html, as_markdown, as_text
from kubernaut.impact.inputs import Range, ValueInputs
from kubernaut.impact.period import ValueReport
from kubernaut.impact.shadow import ShadowReport
from kubernaut.settings import Declared, load_settings

app = group(
    "What it was worth, with an interval for every figure and the assumptions beside it.",
    "kubernaut value report --since 30d",
    "kubernaut value report --since 30d --format html --out value.html",
    "kubernaut value shadow --since 30d",
)


class Format(StrEnum):
    """How the report is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"
    PDF = "pdf"


# What each of these options stands for.
_ASSUMED: Mapping[str, str] = MappingProxyType(
    {
        "minutes_by_hand": "--minutes-by-hand",
        "wage_usd_per_h": "--wage",
        "downtime_usd_per_min": "--downtime",
        "running_usd_per_month": "--cost",
    }
)
_Assumed = Annotated[str | None, typer.Option(metavar="N or LOW-MIDDLE-HIGH", help="In place of the setting.")]


@app.command(
    help=help_text(
        "Business value over a period, computed from the events alone.",
        "kubernaut value report --since 30d",
        "kubernaut value report --since 2026-11-01 --until 2026-11-15 --json",
        "kubernaut value report --since 30d --minutes-by-hand 25-42-70 --wage 70",
        "kubernaut value report --since 30d --server http://kubernaut.example:8080",
        after="Reads the database of the settings; with --server, asks a running service.",
    ),
    short_help="Business value over a period.",
)
def report(  # noqa: PLR0913  # an option each
    ctx: typer.Context,
    *,
    since: Since = "30d",
    until: Until = "",
    form: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.TABLE,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to (else stdout).", callback=in_a_folder)
    ] = None,
    off_arm: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="An exported log of a time in which the service only watched.", callback=existing
        ),
    ] = None,
    minutes_by_hand: _Assumed = None,
    wage: _Assumed = None,
    downtime: _Assumed = None,
    cost: _Assumed = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check the hash chain of the events first.")] = False,
    server: Server = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Prints or writes the report."""
    session: Session = ctx.obj
    chosen = Format.JSON if as_json else form
    if chosen is Format.PDF and out is None:
        raise WrongValue("--format", "pdf", "a PDF is not for a terminal; add --out value.pdf")
    assumed = dict(zip(_ASSUMED, (minutes_by_hand, wage, downtime, cost), strict=True))
    if server is not None:
        if verify or off_arm is not None or any(given is not None for given in assumed.values()):
            raise WrongValue("--server", server, "--verify, --off-arm and assumptions need the database instead")
        found, cluster = _asked(server, since, until), load_settings(config).cluster.name
    else:
        with opened_period(config, since, until) as records:
            inputs = _with(value_inputs(records.settings.value), assumed)
            found = asyncio.run(_read(records, inputs, off_arm=off_arm, verify=verify))
            cluster = records.settings.cluster.name
    _write(session, found, cluster, chosen, out)


@app.command(
    help=help_text(
        "What proposals that nobody acted on would have saved, and where they would have been wrong.",
        "kubernaut value shadow --since 30d",
        "kubernaut value shadow --since 30d --json",
        after="Proposals come from policy.shadow, the label kubernaut.ai/autonomy=suggest, and rules that suggest.",
    ),
    short_help="What proposals would have been worth.",
)
def shadow(
    ctx: typer.Context,
    *,
    since: Since = "30d",
    until: Until = "",
    server: Server = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Held against what people then did."""
    session: Session = ctx.obj
    if server is not None:
        with connect(server) as service:
            found = load(ShadowReport, service.value(since, until, "value/shadow"))
        cluster = load_settings(config).cluster.name
    else:
        with opened_period(config, since, until) as records:
            found = asyncio.run(gather_shadow(records.store.incidents, records.period))
            cluster = records.settings.cluster.name
    if as_json:
        session.write_json(dump(found))
    else:
        session.write(as_text(shadow_sheet(found, cluster=cluster), session.look()))


@app.command(
    help=help_text(
        "The week in a few lines, as the weekly message has it (notify.summary).",
        "kubernaut value summary --since 7d",
    ),
    short_help="The week in a few lines.",
)
def summary(
    ctx: typer.Context,
    *,
    since: Since = "7d",
    until: Until = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """With the period before it beside it."""
    session: Session = ctx.obj
    with opened_period(config, since, until) as records:
        inputs = value_inputs(records.settings.value)
        found = asyncio.run(gather_summary(records.store.incidents, records.period, inputs))
        title, lines = summary_title(found, cluster=records.settings.cluster.name), summary_lines(found)
    if as_json:
        session.write_json({"title": title, "lines": list(lines)})
    else:
        session.write([session.look().text(visible(line)) for line in (title, *lines)])


async def _read(records: Records, inputs: ValueInputs, *, off_arm: Path | None, verify: bool) -> ValueReport:
    off = exported_histories(off_arm) if off_arm else ()
    store = records.store
    if verify and not (await store.event_log.checked()).is_whole:
        raise StoreError("the events are not as they were appended: no figure can rest on them",
                         help="kubernaut audit verify")  # fmt: skip
    return await gather_value(store.incidents, records.period, inputs, off=off)


def _asked(server: str, since: str, until: str) -> ValueReport:
    with connect(server) as service:
        return load(ValueReport, service.value(since, until))


def _with(inputs: ValueInputs, assumed: dict[str, str | None]) -> ValueInputs:
    changed = {}
    for name, given in assumed.items():
        if given is not None:
            try:
                changed[name] = Range(*TypeAdapter(Declared).validate_python(given))
            except ValidationError as error:
                raise WrongValue(_ASSUMED[name], given, "give one number from 0, or LOW-MIDDLE-HIGH") from error
    return replace(inputs, **changed)  # type: ignore[arg-type]  # none of these names is the one plain number


def _write(session: Session, found: ValueReport, cluster: str, form: Format, out: Path | None) -> None:
    content = _content(session, found, cluster, form)
    if out is None:
        session.write([content.decode().rstrip("\n")])
        return
    try:
        out.write_bytes(content)
    except OSError as error:
        raise InputError(f"{out}: {error.strerror}") from error
    session.note(f"Written to {out}: {found.incidents} incidents, {len(content):,} bytes")


def _content(session: Session, found: ValueReport, cluster: str, form: Format) -> bytes:
    sheet = sheet_of(found, cluster=cluster)
    match form:
        case Format.TABLE:
            return ("\n".join(as_text(sheet, session.look())) + "\n").encode()
        case Format.JSON:
            return _json(found)
        case Format.CSV:
            return as_csv(found).encode()
        case Format.MARKDOWN:
            return as_markdown(sheet).encode()
        case Format.HTML:
            return as_html(sheet, charts_of(found)).encode()
        case Format.PDF:
            return as_pdf(sheet, charts_of(found), made_at=found.until)


def _json(found: ValueReport) -> bytes:
    return TypeAdapter(object).dump_json(dump(found), indent=2) + b"\n"
