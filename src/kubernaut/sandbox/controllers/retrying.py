"""When a controller tries again what the API server refused."""

from __future__ import annotations

from datetime import datetime, timedelta

_FIRST_S = 2
_LAST_S = 300
_MOST_DOUBLINGS = 10


class Retries:
    """One back-off for each object, by uid: two seconds, doubled each time, at most five minutes."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._due: dict[str, datetime] = {}

    def failed(self, uid: str, now: datetime) -> datetime:
        """Notes a failure and gives when to try again."""
        count = self._failures.get(uid, 0)
        self._failures[uid] = count + 1
        self._due[uid] = due = now + timedelta(seconds=min(_LAST_S, _FIRST_S << min(count, _MOST_DOUBLINGS)))
        return due

    def succeeded(self, uid: str) -> None:
        """Forgets the failures."""
        self._failures.pop(uid, None)
        self._due.pop(uid, None)

    def waiting(self, uid: str, now: datetime) -> datetime | None:
        """When to try again where that is still to come."""
        due = self._due.get(uid)
        return due if due and now < due else None
