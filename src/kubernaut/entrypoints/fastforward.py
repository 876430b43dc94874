"""Thirty days that were recorded on the simulated cluster, moved to end just before now.

The recording is the log of a service that worked on a fresh simulated cluster every day (`tools/record_month.py`). It
is sealed by the hash chain of every log, which is checked before any of it is shown.
"""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib.resources import files

from kubernaut.domain.chain import Recorded, check
from kubernaut.domain.errors import StoreError
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.reconstruction import rebuild

_FILE = "month.jsonl.xz"
# RFC 3339 in UTC, wherever it stands in an event: fields of objects, facts, the times of alerts.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
# The day that conditions of a policy looked at.
_DAY = re.compile(r'"weekday":"\w{3}","date":"(\d{4}-\d\d-\d\d)"')


def recorded_month() -> list[Recorded]:
    """The recording; raises `StoreError` where it is not as it was sealed."""
    packed = files("kubernaut.sandbox").joinpath(_FILE).read_bytes()
    log = [_recorded(line) for line in lzma.decompress(packed).decode().splitlines()]
    checked = check(log)
    if checked.broken is not None:
        raise StoreError(f"the recorded month is not whole: event {checked.broken.event.seq} {checked.broken.why}")
    return log


def moved(log: Sequence[Recorded], *, ends: datetime) -> list[Event]:
    """The events with every time in them moved by whole days, so that the last is on the day before that moment.

    The hours stay as they were. What did not end is left out.
    """
    by = timedelta(days=(ends - max(event.at for event in log)).days)
    events = [_event(one, by) for one in log]
    own: dict[IncidentId, list[Event]] = {}
    for event in events:
        own.setdefault(event.incident, []).append(event)
    closed = {incident for incident, told in own.items() if (found := rebuild(told)) and not found.is_open}
    return [event for event in events if event.incident in closed]


def _recorded(line: str) -> Recorded:
    told = json.loads(line)
    return Recorded(**{**told, "at": datetime.fromisoformat(told["at"])})


def _event(one: Recorded, by: timedelta) -> Event:
    text = _MOMENT.sub(lambda found: _shifted(found[0], by), one.body)
    body = json.loads(_DAY.sub(lambda found: _next_day(found[1], by), text))
    phase = Phase(one.phase) if one.phase else None
    return Event(IncidentId(one.incident), one.key, EventKind(one.kind), one.at + by, body, one.about, phase=phase)


def _next_day(day: str, by: timedelta) -> str:
    moment = datetime.fromisoformat(f"{day}T00:00:00+00:00") + by
    return f'"weekday":"{moment:%a}","date":"{moment:%Y-%m-%d}"'.lower()


def _shifted(text: str, by: timedelta) -> str:
    """The moved time in the form that it had."""
    moment = datetime.fromisoformat(text) + by
    fraction = f".{moment.microsecond:06}" if "." in text else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}{'Z' if text.endswith('Z') else '+00:00'}"
