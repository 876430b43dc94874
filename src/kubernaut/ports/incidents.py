"""The inbox, and incidents with their events."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from kubernaut.domain.incidents import Fingerprint, Incident, IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.signals import AlertKey, Signal, SignalId


@dataclass(frozen=True, slots=True)
class Backlog:
    """Signals that wait: how many, and when the oldest came in; None where none waits."""

    waiting: int
    oldest: datetime | None


class SignalStore(Protocol):
    """The inbox. What `accept` returned for is on disk."""

    async def accept(self, signals: Sequence[Signal]) -> None:
        """Commits all of them or raises `StoreUnavailable`."""

    async def waiting(self, limit: int) -> list[Signal]:
        """Accepted signals that no incident has taken yet, oldest first."""

    async def backlog(self) -> Backlog:
        """How many wait and since when, without reading them."""

    async def set_aside(self, signal: SignalId, *, reason: str, at: datetime) -> None:
        """Marks a signal that opens nothing (a resolved alert without an incident, Watchdog) with its reason."""

    async def prune(self, before: datetime, *, limit: int) -> int:
        """Forgets the oldest signals received before then, at most `limit`; how many it forgot.

        Never one that still waits, nor one received after one that does: it may be the resolution of that.
        """


@dataclass(frozen=True, slots=True)
class Admission:
    """What became of a firing signal: the incident it opened or joined."""

    incident: Incident
    opened: bool


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents to list; empty fields do not restrict. Newest first.

    `cause` is the one that the last look found, `id_prefix` what the id starts with, to the letter.
    """

    open_only: bool = False
    ending: Ending | None = None
    namespace: str = ""
    text: str = ""
    since: datetime | None = None
    limit: int = 50
    offset: int = 0
    guard: str = ""
    cause: str = ""
    alert: str = ""
    phase: Phase | None = None
    id_prefix: str = ""


class IncidentStore(Protocol):
    """Incidents and their events, changed together."""

    async def admit(self, signal: Signal, candidate: Incident, *, hold: timedelta, symptom: bool = False) -> Admission:
        """Joins the open incident of the same fingerprint, or one closed less than `hold` ago, or opens the candidate.

        A closed one is joined only by an alert that began before it closed: a later one tells of something new, unless
        it is the `symptom` of a fault that was seen to last and that the closed one left to people.
        One transaction that also takes the signal out of the inbox; two callers at once open one incident. An incident
        that was joined counts the signal and has a `joined` event.
        """

    async def resolve(self, signal: Signal) -> list[Incident]:
        """The open incidents that the alert's firing opened or joined, with the resolution noted.

        It is noted on those, too, that closed while the alert fired. Takes the signal out of the inbox.
        """

    async def of_alert(self, alert: AlertKey) -> Incident | None:
        """The newest incident that this alert opened or joined, open or closed."""

    async def still_firing(self, incident: IncidentId) -> bool:
        """Whether any alert that opened or joined the incident has not been resolved."""

    async def get(self, incident: IncidentId) -> Incident | None:
        """The incident as it stands."""

    async def find(self, wanted: IncidentFilter) -> list[Incident]:
        """The incidents that match."""

    async def count(self, wanted: IncidentFilter) -> int:
        """How many match, without paging."""

    async def append(self, event: Event, *, phase: Phase | None = None, guard: str = "") -> None:
        """Appends the event, moves the incident to the phase, and notes the guard that decided.

        A key that is there already changes nothing.
        """

    async def close(self, incident: IncidentId, *, ending: Ending, reason: str, at: datetime, guard: str = "") -> None:
        """Closes the incident with its `closed` event. Closing a closed one changes nothing."""

    async def events(
        self,
        incident: IncidentId | None = None,
        *,
        after: int = 0,
        limit: int = 1000,
        kinds: Sequence[EventKind] = (),
    ) -> list[Event]:
        """Events in order of `seq`, of one incident or of all."""

    async def events_of(
        self, incidents: Sequence[IncidentId], *, kinds: Sequence[EventKind]
    ) -> dict[IncidentId, list[Event]]:
        """The events of those kinds of several incidents at once, each in order of `seq`."""

    async def last_seq(self) -> int:
        """The number of the newest event, 0 where there is none."""

    async def events_about(
        self, objects: Collection[str], *, since: datetime, kinds: Sequence[EventKind]
    ) -> list[Event]:
        """Events of those kinds since then, of every incident, that touched one of the objects (`Event.about`)."""

    async def acts_since(self, since: datetime, *, kinds: Sequence[EventKind]) -> list[Event]:
        """Events of those kinds since then that are about any object, in order of `seq`."""

    async def open_fingerprint(self, fingerprint: Fingerprint) -> Incident | None:
        """The open incident of that fingerprint."""
