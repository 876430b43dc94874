"""From the log of events to the report. Nothing else is read: not even the rows of incidents."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from kubernaut.domain.errors import InputError, WrongValue
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.domain.reconstruction import rebuild
from kubernaut.impact.clocks import History
from kubernaut.impact.inputs import ValueInputs
from kubernaut.impact.period import Period, ValueReport, value_report
from kubernaut.impact.shadow import ShadowReport, shadow_report
from kubernaut.ports import IncidentStore

_PAGE = 1000
_LONGEST_LINE = 4 * 1024 * 1024
_FIRST_YEAR, _LAST_YEAR = 1970, 2999
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
# What no figure needs, and what the service itself computed before: the report does not rest on that.
_KINDS = tuple(
    kind
    for kind in EventKind
    if kind not in {EventKind.OBSERVED, EventKind.INTENDED, EventKind.PREVIEWED, EventKind.VALUED, EventKind.ASKED}
)


async def gather_value(
    incidents: IncidentStore, period: Period, inputs: ValueInputs, *, off: tuple[History, ...] = ()
) -> ValueReport:
    """The report of the period as one frozen value; for the command line, the API and the page alike."""
    told = await told_histories(incidents, until=period.until)
    return await asyncio.to_thread(value_report, told, period, inputs, off=off)


async def gather_shadow(incidents: IncidentStore, period: Period) -> ShadowReport:
    """What the proposals of the period would have been worth, for the command line and the API alike."""
    told = await told_histories(incidents, until=period.until)
    return await asyncio.to_thread(shadow_report, told, period.since, period.until)


async def told_histories(incidents: IncidentStore, *, until: datetime) -> list[History]:
    """All that the log tells up to then, cut down to what figures need."""
    kept: list[Event] = []
    after = 0
    while page := await incidents.events(after=after, limit=_PAGE, kinds=_KINDS):
        kept += (slim(event) for event in page if event.at <= until)
        after = page[-1].seq
    return histories_of(kept)


def histories_of(events: Iterable[Event]) -> list[History]:
    """Incidents rebuilt from their events; those of which the opening is not told are left out."""
    own: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        own[event.incident].append(event)
    found = []
    for told in own.values():
        incident = rebuild(told)
        if incident is not None:
            found.append(History(incident, tuple(told)))
    return found


def slim(event: Event) -> Event:
    """The event with what figures need of it: a diagnosis and a snapshot are long, and there are thousands."""
    cut = _CUT.get(event.kind)
    return replace(event, body=cut(Tree(event.body))) if cut else event


def _diagnosed(body: Tree) -> JsonObject:
    causes: list[Json] = [{"cause": each.text("cause")} for each in body.trees("diagnosis", "hypotheses")[:1]]
    return {"diagnosis": {"hypotheses": causes}}


def _executed(body: Tree) -> JsonObject:
    return {"execution": {"applied": body.text("execution", "applied")}}


def _nothing(_body: Tree) -> JsonObject:
    return {}


def slim_proposal(body: Tree) -> JsonObject:
    """The proposal without its change and the object as it was."""
    proposal = body.tree("proposal")
    call: JsonObject = {"action": proposal.text("call", "action")}
    return {"proposal": {"at": proposal.at("at"), "asks": proposal.flag("asks"), "call": call}}


def slim_comparison(body: Tree) -> JsonObject:
    """The comparison without the lines of changes."""
    told = body.tree("comparison")
    changes: list[Json] = [{"by": change.text("by")} for change in told.trees("changes")]
    kept: JsonObject = {key: told.at(key) for key in ("agreement", "mended_at", "reason")}
    return {"comparison": {**kept, "changes": changes}}


_CUT: Mapping[EventKind, Callable[[Tree], JsonObject]] = MappingProxyType(
    {
        EventKind.DIAGNOSED: _diagnosed,
        EventKind.APPLIED: _executed,
        EventKind.UNDONE: _executed,
        EventKind.REFUSED: _executed,
        EventKind.PLANNED: lambda body: {"plan": {"guard": body.text("plan", "guard")}},
        EventKind.PROPOSED: slim_proposal,
        EventKind.COMPARED: slim_comparison,
        EventKind.NOTICED: _nothing,
        EventKind.NOTIFIED: _nothing,
        EventKind.LEARNED: _nothing,
        EventKind.RECALLED: _nothing,
    }
)


def period_of(since: str, until: str, *, now: datetime) -> Period:
    """`30d`, `12h`, `4w` or a date before the end, which is now or a date. Raises `InputError`."""
    end = _moment(until, "--until") if until else now
    measured = re.fullmatch(r"(\d{1,5})([hdw])", since.strip())
    if measured:
        start = _within_reason(end - int(measured[1]) * _UNITS[measured[2]], since, "--since")
    else:
        start = _moment(since, "--since")
    if start >= end:
        raise WrongValue("--since", since, "the period ends before it begins; give an earlier moment")
    return Period(start, end)


def _moment(text: str, option: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise WrongValue(option, text, "give 30d, 12h, 4w or a date such as 2026-11-01") from error
    return _within_reason(found if found.tzinfo else found.replace(tzinfo=UTC), text, option)


def _within_reason(moment: datetime, text: str, option: str) -> datetime:
    # Figures look at as long a time before the period, and a calendar has ends.
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise WrongValue(option, text, f"give a moment from {_FIRST_YEAR} to {_LAST_YEAR}")
    return moment


def exported_histories(path: Path) -> tuple[History, ...]:
    """The incidents of a log that `kubernaut audit export` wrote, such as that of an off arm. Raises `InputError`."""
    events = []
    try:
        with path.open(encoding="utf-8") as lines:
            while line := lines.readline(_LONGEST_LINE):
                events.append(slim(_event(line)))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        place = f"{path}:{len(events) + 1}"
        raise InputError(f"{place} is no event of an export", help="kubernaut audit export --out FILE") from error
    return tuple(histories_of(events))


def _event(line: str) -> Event:
    told = json.loads(line)
    return Event(
        IncidentId(str(told["incident"])),
        str(told["key"]),
        EventKind(told["kind"]),
        datetime.fromisoformat(told["at"]),
        json.loads(told["body"]),
        str(told["about"]),
        int(told["seq"]),
        Phase(told["phase"]) if told["phase"] else None,
    )
