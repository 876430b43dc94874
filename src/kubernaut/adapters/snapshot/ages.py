"""Times as kubectl prints them: `5m12s`, `3d4h`, `4m19s (x7 over 10m)`, `Sun, 22 Nov 2026 20:59:01 +0000`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

_AGE: Final = re.compile(r"(?:(\d{1,4})y)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s)?")
_SIZES: Final = (365 * 86_400, 86_400, 3_600, 60, 1)
_SEEN: Final = re.compile(r"(\S+)\s+\(x(\d{1,9}) over (\S+)\)")
_SPELLED: Final = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? ([+-]\d{4})")
_BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)
_LONGEST: Final = 200 * 365 * 86_400


@dataclass(frozen=True, slots=True)
class Age:
    """So many whole seconds; kubectl cuts off what is less than `unit`."""

    seconds: int
    unit: int


@dataclass(frozen=True, slots=True)
class Occurrence:
    """When an event was seen last, how often, and since when."""

    last: Age | None
    count: int
    first: Age | None


def parse_age(text: str) -> Age | None:
    """The age, None where it is none (`<unknown>`, `<invalid>`)."""
    match = _AGE.fullmatch(text.strip())
    if match is None or not text.strip():
        return None
    found = [(int(number), size) for number, size in zip(match.groups(), _SIZES, strict=True) if number]
    seconds = sum(number * size for number, size in found)
    return Age(seconds, found[-1][1]) if seconds <= _LONGEST else None


def parse_occurrence(text: str) -> Occurrence:
    """What the AGE or LAST SEEN column of an event says."""
    match = _SEEN.fullmatch(text.strip())
    if match is None:
        return Occurrence(parse_age(text), 1, None)
    return Occurrence(parse_age(match[1]), int(match[2]), parse_age(match[3]))


def parse_described_time(text: str) -> datetime | None:
    """The time of `describe`, None where it is none."""
    try:
        moment = parsedate_to_datetime(text.strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (OverflowError, ValueError):
        return None


def parse_spelled_time(text: str) -> datetime | None:
    """The time as Go spells it (`2024-05-14 11:02:44 +0000 UTC`), None where it is none."""
    match = _SPELLED.match(text)
    try:
        return datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3]}").astimezone(UTC) if match else None
    except (OverflowError, ValueError):
        return None


def stamp(moment: datetime) -> str:
    """The time as the API server writes it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def before(now: datetime, age: Age) -> str:
    """The time that long before, as the API server writes it; the beginning of the calendar where there is none."""
    try:
        return stamp(now - timedelta(seconds=age.seconds))
    except OverflowError:
        return stamp(_BEGINNING)
