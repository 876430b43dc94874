"""What the stages need from outside.

Each port has an in-memory fake in `adapters/memory/` and one contract suite for all its adapters.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from kubernaut.domain.changes import Change
from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.evidence import EvidenceId
from kubernaut.domain.incidents import Fingerprint, Incident, IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.learning import Pattern, Recalled
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef
from kubernaut.domain.signals import AlertKey, Signal, SignalId


class Clock(Protocol):
    """Time. In the sandbox it runs faster than the wall."""

    def now(self) -> datetime:
        """The time, in UTC."""

    async def sleep(self, duration: timedelta) -> None:
        """Waits for that long on this clock."""


class Ids(Protocol):
    """Chance."""

    def new(self, prefix: str) -> str:
        """A fresh id such as `inc-4f7k2m9q`: lower-case letters and digits, valid as a label value."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind as the REST API names it."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True


@dataclass(frozen=True, slots=True)
class Listing:
    """The items of a list. `complete` is False where the bound was reached before the end.

    What it cost: `pages` calls, and `size` bytes of answers.
    """

    items: tuple[KubeObject, ...]
    resource_version: str
    complete: bool = True
    pages: int = 1
    size: int = 0


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change seen by a watch."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: KubeObject


class ClusterReader(Protocol):
    """Reads. Never writes, so whoever holds only this cannot change the cluster.

    Every method raises a `ClusterError`; "could not be read" is never an empty answer. Values of Secrets and of
    annotations that hold them never leave the adapter: their keys do.
    """

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        """The object as it is now, None where it does not exist."""

    async def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        labels: str = "",
        fields: str = "",
        limit: int = 5000,
    ) -> Listing:
        """The objects of a kind, of all namespaces where `namespace` is empty, page by page up to `limit`."""

    async def log(self, pod: ObjectRef, container: str, *, previous: bool = False, tail_lines: int = 200) -> str | None:
        """The end of a container's log, at most 256 KiB; None where there is no such log (yet, or any more)."""

    def watch(
        self, resource: Resource, namespace: str = "", *, resource_version: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """Changes from that version on; resumes by itself after a cut.

        Raises `WatchExpired` when one has to list again.
        """

    async def may(self, verb: str, resource: Resource, namespace: str = "", *, subresource: str = "") -> bool:
        """Whether our own account may do this (SelfSubjectAccessReview)."""

    async def version(self) -> str:
        """The API server's version, such as `v1.34.2`."""


class ClusterWriter(Protocol):
    """Writes, one change at a time, as field manager `kubernaut`. Held by the execution stage alone."""

    async def write(self, change: Change, *, dry_run: bool = False) -> KubeObject | None:
        """The object after the change (None after a deletion).

        Raises `Conflict` when the resourceVersion or uid is not the given one any more, `ChangeRejected`, `Forbidden`,
        `ObjectMissing`, `ClusterThrottled`, or `ClusterUnavailable`, after which nobody knows whether it was done.
        """


class SignalStore(Protocol):
    """The inbox. What `accept` returned for is on disk."""

    async def accept(self, signals: Sequence[Signal]) -> None:
        """Commits all of them or raises `StoreUnavailable`."""

    async def waiting(self, limit: int) -> list[Signal]:
        """Accepted signals that no incident has taken yet, oldest first."""

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
    """Which incidents to list; empty fields do not restrict. Newest first."""

    open_only: bool = False
    ending: Ending | None = None
    namespace: str = ""
    text: str = ""
    since: datetime | None = None
    limit: int = 50
    offset: int = 0


class IncidentStore(Protocol):
    """Incidents and their events, changed together."""

    async def admit(self, signal: Signal, candidate: Incident, *, hold: timedelta) -> Admission:
        """Joins the open incident of the same fingerprint, or one closed less than `hold` ago, or opens the candidate.

        A closed one is joined only by an alert that began before it closed: a later one tells of something new.
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

    async def append(self, event: Event, *, phase: Phase | None = None) -> None:
        """Appends the event, and moves the incident to the phase; a key that is there already changes nothing."""

    async def close(self, incident: IncidentId, *, ending: Ending, reason: str, at: datetime) -> None:
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

    async def events_about(self, about: str, *, since: datetime, kinds: Sequence[EventKind]) -> list[Event]:
        """Events of those kinds since then, of every incident, that touched that object (`Event.about`)."""

    async def open_fingerprint(self, fingerprint: Fingerprint) -> Incident | None:
        """The open incident of that fingerprint."""


class Leases(Protocol):
    """Exclusive use of a name for a time: one execution a target, one sweeper."""

    async def acquire(self, name: str, holder: str, *, duration: timedelta) -> bool:
        """True when the holder has it now (taking one's own again renews it); False while another's has not run out."""

    async def release(self, name: str, holder: str) -> None:
        """Gives it back; nothing happens where it is another's."""


class Heartbeats(Protocol):
    """Which processes are alive. Ages are measured by one clock, the store's, never by two machines' clocks."""

    async def beat(self, executor: str) -> None:
        """Notes that the executor is alive now."""

    async def stale(self, older_than: timedelta) -> list[str]:
        """The executors whose last beat is older than that."""

    async def forget(self, executor: str) -> None:
        """Removes an executor. One that beats again is known again."""


@dataclass(frozen=True, slots=True)
class Suspension:
    """All actions are off, since when, by whom and why."""

    by: str
    reason: str
    since: datetime


class Switch(Protocol):
    """The kill switch."""

    async def suspension(self) -> Suspension | None:
        """The suspension in force."""

    async def suspend(self, suspension: Suspension) -> None:
        """No action starts from now on."""

    async def resume(self) -> None:
        """Actions may start again."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked: a diagnosis the rules are unsure of, and the closed list it may choose from."""

    incident: IncidentId
    diagnosis: Diagnosis
    causes: Mapping[str, str]
    candidates: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Opinion:
    """A validated reply: every id in it is one of the question's."""

    cause: str
    action: str
    confidence: float
    evidence: tuple[EvidenceId, ...]
    explanation: str
    provider: str
    tokens: int = 0
    took_s: float = 0.0
    requests: int = 1


class Analyst(Protocol):
    """A second opinion. Raises a `ModelError`; the caller goes on with the rules."""

    async def analyse(self, question: Question) -> Opinion:
        """The opinion, validated against the question."""


class Embedder(Protocol):
    """Text to vector. Refuses blank text with `EmptyText`."""

    name: str
    dimension: int

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector a text, in order."""


class PatternStore(Protocol):
    """Finished incidents, found again by likeness."""

    async def add(self, pattern: Pattern) -> None:
        """Stores or replaces the pattern of that id."""

    async def is_empty(self, *, embedder: str) -> bool:
        """Whether there is no pattern of that embedder."""

    async def nearest(self, vector: Sequence[float], *, embedder: str, limit: int = 5) -> list[Recalled]:
        """The most alike patterns of that embedder, best first, with their cosine likeness."""


@dataclass(frozen=True, slots=True)
class Message:
    """What people are told about an incident. The first line is the whole verdict."""

    incident: IncidentId
    title: str
    lines: tuple[str, ...]
    facts: JsonObject = field(default_factory=dict)


class Notifier(Protocol):
    """A channel to people."""

    async def send(self, message: Message) -> str:
        """Where it went, in words ("webhook https://…", "nowhere: no channel is set"). Raises `NotifyFailed`."""


class Meter(Protocol):
    """Counters and timings for /metrics."""

    def count(self, name: str, **labels: str) -> None:
        """Adds one."""

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Adds a duration."""
