"""The hash chain over the event log: each event carries a hash of itself and of the one before.

    digest(event) = SHA-256 of its fields as one JSON list
    hash(event)   = SHA-256 of (hash of the event before it, or nothing for the first) + digest(event)

The chain is in the order of commits, over all incidents. What is changed, taken out, put in or put elsewhere breaks
the hash of the event at that place. The number `seq` is not hashed, since the database gives it; the order is. A log
whose last events were cut off is a shorter log that is whole: only a head that was noted elsewhere tells. So does a
log that somebody with write access to the database calculated anew from the beginning.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

GENESIS = ""
# 48 bits: short enough to be noted by hand, long enough that nobody finds another log with the same beginning.
_SHORTEST_HEAD = 12


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it stands in the log; `body` is its JSON text to the letter."""

    seq: int
    incident: str
    key: str
    kind: str
    at: datetime
    about: str
    phase: str
    body: str
    hash: str

    @property
    def digest(self) -> str:
        """The digest of what it says now."""
        return digest(self.incident, self.key, self.kind, self.at, self.about, self.phase, self.body)


@dataclass(frozen=True, slots=True)
class Broken:
    """The first event that is not what was appended there."""

    event: Recorded
    why: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a walk along the chain found: how many events fit, and the last one's hash."""

    events: int = 0
    last_seq: int = 0
    head: str = GENESIS
    broken: Broken | None = None
    passed_head: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether every event is the one that was appended at its place."""
        return self.broken is None


def digest(incident: str, key: str, kind: str, at: datetime, about: str, phase: str, body: str) -> str:  # the columns
    """The digest of an event's fields; a JSON list, so that no text can pass for two fields."""
    # Databases give times back in zones of their own and with as many digits as they like; the hash needs one spelling.
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = json.dumps([incident, key, kind, moment, about, phase, body], ensure_ascii=True, separators=(",", ":"))
    return sha256(fields.encode()).hexdigest()


def link(before: str, own: str) -> str:
    """The hash of an event, from the hash of the one before and its own digest."""
    return sha256((before + own).encode()).hexdigest()


def check(log: Iterable[Recorded], *, expected_head: str = "", since: Checked | None = None) -> Checked:
    """Walks along the chain and stops at the first event that does not fit.

    `expected_head` is a hash that was noted earlier: `passed_head` says whether the chain still goes through it.
    `since` is where an earlier walk ended.
    """
    state = since or Checked(passed_head=not expected_head)
    count, last, head, passed = state.events, state.last_seq, state.head, state.passed_head
    for event in log:
        if event.hash != link(head, event.digest):
            why = "has no hash" if not event.hash else "is changed, or an event before it is missing, added or moved"
            return Checked(count, last, head, Broken(event, why), passed)
        count, last, head = count + 1, event.seq, event.hash
        passed = passed or is_head(expected_head, head)
    return Checked(count, last, head, None, passed)


def is_head(noted: str, found: str) -> bool:
    """Whether the noted hash, or the start of one, is that hash."""
    return len(noted) >= _SHORTEST_HEAD and found.startswith(noted)
