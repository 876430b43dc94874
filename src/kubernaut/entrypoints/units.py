"""Figures with their units, as people read them: at most three digits, and never a number alone."""

from __future__ import annotations

from datetime import UTC, datetime

_MINUTE = 60
_HOUR = 3600
_DAY = 86_400
# Above this a figure in seconds has four digits.
_MOST_SECONDS = 1000


def duration(seconds: float) -> str:
    """`41 ms`, `2.3 s`, `74 s`, `24 min`, `4.1 h`."""
    if seconds < 0.1:  # noqa: PLR2004
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MOST_SECONDS:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004
    if seconds < 100 * _MINUTE:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"


def offset(seconds: float) -> str:
    """The same for a column: seconds with one digit, so that they stand under each other."""
    return f"{seconds:.1f} s" if abs(seconds) < _MOST_SECONDS else duration(seconds)


def age(seconds: float) -> str:
    """As kubectl writes ages: `41s`, `6m`, `1h02m`, `3d`."""
    whole = max(0, int(seconds))
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m"
    if whole < 2 * _DAY:
        return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02}m"
    return f"{whole // _DAY}d"


def moment(at: datetime, *, today: datetime) -> str:
    """`14:03:07Z`, with the date in front when it is another day."""
    utc = at.astimezone(UTC)
    clock = f"{utc:%H:%M:%S}Z"
    return clock if utc.date() == today.astimezone(UTC).date() else f"{utc:%Y-%m-%d} {clock}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 alert`, `3 alerts`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def share(part: int, whole: int) -> str:
    """`38 of 41, 93 %`."""
    return f"{part} of {whole}, {100 * part / whole:.0f} %" if whole else "0 of 0"
