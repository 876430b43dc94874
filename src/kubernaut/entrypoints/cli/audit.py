"""`kubernaut audit`: the log of events checked, exported and replayed, read from the database itself."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC
from pathlib import Path
from typing import Annotated, TextIO

import msgspec
import typer

from kubernaut.adapters.store import Store
from kubernaut.domain.chain import Checked, Recorded
from kubernaut.domain.errors import InputError, UnknownName, WrongValue
from kubernaut.domain.incidents import Incident, IncidentId
from kubernaut.domain.objects import JsonObject
from kubernaut.domain.reconstruction import Difference, differences, rebuild
from kubernaut.engine.codec import dump
from kubernaut.entrypoints.cli.options import AsJson, ConfigFile, group, help_text, in_a_folder
from kubernaut.entrypoints.records import opened_records
from kubernaut.entrypoints.terminal.escaping import quoted
from kubernaut.ports import IncidentFilter
from kubernaut.settings import load_settings

app = group(
    "The log of events: every figure and every page comes from it.",
    "kubernaut audit verify",
    "kubernaut audit export > events.jsonl",
    "kubernaut audit reconstruct inc-4f7k",
)
Head = Annotated[
    str | None, typer.Option("--head", metavar="HASH", help="A head that was noted earlier; 12 characters are enough.")
]
_SHORTEST_HEAD = 12
_EVENTS = 1_000_000


@app.command(
    help=help_text(
        "Walk along the hash chain. Ends with 1 at the first event that is not what was appended there.",
        "kubernaut audit verify",
        "kubernaut audit verify --head 3f9a0c41d2b7",
        after="A log whose end was cut off is whole: note the head it prints, and give it back with --head.",
    ),
    short_help="Check the hash chain of all events.",
)
def verify(ctx: typer.Context, *, head: Head = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Prints how many events fit, and the head."""
    noted = (head or "").strip().lower()
    if head is not None and len(noted) < _SHORTEST_HEAD:
        raise WrongValue("--head", head, f"give at least {_SHORTEST_HEAD} characters of the hash")
    with opened_records(load_settings(config)) as store:
        found = asyncio.run(store.event_log.checked(expected_head=noted))
    if as_json:
        ctx.obj.write_json(_checked_json(found))
    else:
        ctx.obj.write(_checked_lines(found, noted))
    if not found.is_whole or not found.passed_head:
        raise typer.Exit(1)


def _checked_json(found: Checked) -> JsonObject:
    broken: JsonObject | None = None
    if found.broken is not None:
        bad = found.broken.event
        broken = {"seq": bad.seq, "incident": bad.incident, "key": bad.key, "kind": bad.kind, "why": found.broken.why}
    return {
        "whole": found.is_whole,
        "events": found.events,
        "last_seq": found.last_seq,
        "head": found.head,
        "passed_head": found.passed_head,
        "broken": broken,
    }


def _checked_lines(found: Checked, noted: str) -> list[str]:
    if found.broken is not None:
        bad = found.broken.event
        name = quoted(f"{bad.kind} {bad.key} of {bad.incident}")
        return [
            f"✗ chain broken at event #{bad.seq}: {name} {found.broken.why}",
            f"  {found.events:,} events before it fit, up to #{found.last_seq}",
        ]
    if not found.passed_head:
        return [
            f"✗ the chain of {found.events:,} events is whole, but does not go through {noted}",
            "  events were cut off its end, or it was calculated anew, or the head is of another database",
        ]
    lines = [f"✓ chain intact: {found.events:,} events, the last is #{found.last_seq}", f"  head {found.head or '-'}"]
    return [*lines, f"  help: kubernaut audit verify --head {found.head[:16]}    later, to see that no end was cut off"]


@app.command(
    help=help_text(
        "Every event, one JSON object a line, as it is stored, with its hash.",
        "kubernaut audit export > events.jsonl",
        "kubernaut audit export --out events.jsonl",
    ),
    short_help="Every event as JSON lines.",
)
def export(
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to (else stdout).", callback=in_a_folder)
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Streams, whatever the size of the log."""
    with opened_records(load_settings(config)) as store:
        if out is None:
            asyncio.run(_export(store, sys.stdout))
            return
        try:
            with out.open("w", encoding="utf-8") as file:
                asyncio.run(_export(store, file))
        except OSError as error:
            raise InputError(f"{out}: {error.strerror}") from error


async def _export(store: Store, out: TextIO) -> None:
    async for page in store.event_log.recorded():
        out.writelines(_line(event) + "\n" for event in page)


def _line(event: Recorded) -> str:
    fields: JsonObject = {
        "seq": event.seq,
        "incident": event.incident,
        "key": event.key,
        "kind": event.kind,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "about": event.about,
        "phase": event.phase,
        # As text: whoever checks the hash needs it to the letter.
        "body": event.body,
        "hash": event.hash,
    }
    return msgspec.json.encode(fields).decode()


@app.command(
    help=help_text(
        "Rebuild an incident from its events alone, and hold it against the stored one. Ends with 1 if they differ.",
        "kubernaut audit reconstruct inc-4f7k",
    ),
    short_help="Rebuild an incident from its events.",
)
def reconstruct(
    ctx: typer.Context,
    incident: Annotated[str, typer.Argument(metavar="ID", help="Any unique start of an id.")],
    *,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Prints the state and how each event led to it."""
    with opened_records(load_settings(config)) as store:
        stored, document, lines, differ = asyncio.run(_reconstructed(store, incident))
    if as_json:
        ctx.obj.write_json(document)
    else:
        verdict = [f"✗ differs from the stored row in {len(differ)} fields"] if differ else ["✓ equals the stored row"]
        wrong = [f"  {each.field}: {quoted(each.by_events)} by events, stored {quoted(each.stored)}" for each in differ]
        ctx.obj.write([f"{stored.id}  {stored.target}", *lines, *verdict, *wrong])
    if differ:
        raise typer.Exit(1)


async def _reconstructed(store: Store, start: str) -> tuple[Incident, JsonObject, list[str], list[Difference]]:
    stored = await _named(store, start)
    events = await store.incidents.events(stored.id, limit=_EVENTS)
    rebuilt = rebuild(events)
    if rebuilt is None:
        raise InputError(
            f"{stored.id} cannot be rebuilt: its first event does not tell how it was opened",
            help="events of versions before 0.2 do not; newer incidents can be rebuilt",
        )
    found = list(differences(rebuilt, stored))
    document: JsonObject = {
        "incident": dump(rebuilt),
        "events": [dump(event) for event in events],
        "differences": [dump(each) for each in found],
    }
    # Kinds and phases alone: a body that cannot be read must not keep anybody from comparing.
    lines = [f"  #{e.seq:<6} {e.at:%H:%M:%S}Z  {e.kind:<12} {e.phase or ''}".rstrip() for e in events]
    return stored, document, lines, found


async def _named(store: Store, start: str) -> Incident:
    found = await store.incidents.get(IncidentId(start))
    if found is not None:
        return found
    like = [
        one for one in await store.incidents.find(IncidentFilter(text=start, limit=200)) if one.id.startswith(start)
    ]
    if len(like) != 1:
        what = "no incident" if not like else f"{len(like)} incidents"
        raise UnknownName(f'{what} of which the id starts with "{start[:80]}"', help="kubernaut incidents list")
    return like[0]
