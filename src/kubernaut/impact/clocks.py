"""The instants of an incident, t0 to t7, and the durations between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.execution import Applied, Effect
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Tree


@dataclass(frozen=True, slots=True)
class History:
    """An incident with its events in their order."""

    incident: Incident
    events: tuple[Event, ...]

    def of(self, kind: EventKind) -> tuple[Event, ...]:
        """The events of one kind."""
        return tuple(event for event in self.events if event.kind is kind)

    @property
    def ending(self) -> Ending | None:
        """How it closed, as its `closed` event says."""
        closed = self.of(EventKind.CLOSED)
        return Ending(Tree(closed[0].body).text("ending")) if closed else None


@dataclass(frozen=True, slots=True)
class Clocks:
    """The instants; None where the incident did not come so far."""

    began: datetime
    detected: datetime
    diagnosed: datetime | None = None
    applied: datetime | None = None
    mitigated: datetime | None = None
    verified: datetime | None = None
    closed: datetime | None = None

    @property
    def to_mitigate(self) -> timedelta | None:
        """t5 - t1: from the alert to the first healthy sight."""
        return _between(self.detected, self.mitigated)


def histories(incidents: Iterable[Incident], events: Iterable[Event]) -> list[History]:
    """Every incident with its own events."""
    own: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        own[event.incident].append(event)
    return [History(incident, tuple(own[incident.id])) for incident in incidents]


def clocks(history: History) -> Clocks:
    """The instants, from the events; what is read from two places takes the one that flatters us less."""
    incident = history.incident
    received = history.of(EventKind.RECEIVED)
    detected = received[0].at if received else incident.opened_at
    starts = [start for event in received if (start := Tree(event.body).time("starts_at"))]
    healed = next((event for event in history.of(EventKind.VERIFIED) if _effect(event) == Effect.HEALED), None)
    return Clocks(
        # Clocks differ: an alert that claims to begin after it came in began, at the latest, when it came in.
        began=min([*starts, incident.started_at, detected]),
        detected=detected,
        diagnosed=_first(history.of(EventKind.DIAGNOSED)),
        applied=_applied(history, healed),
        mitigated=_mitigated(history, healed),
        verified=healed.at if healed else None,
        closed=_first(history.of(EventKind.CLOSED)),
    )


def _applied(history: History, healed: Event | None) -> datetime | None:
    done = [
        event.at
        for event in history.of(EventKind.APPLIED)
        if Tree(event.body).text("execution", "applied") in {Applied.DONE, Applied.ALREADY}
        and (healed is None or event.at <= healed.at)
    ]
    return (done[-1] if healed else done[0]) if done else None


def _mitigated(history: History, healed: Event | None) -> datetime | None:
    if healed:
        # The first healthy sight of the watch that ended well; the window after it only proved that it held.
        return min(Tree(healed.body).time("healthy_at") or healed.at, healed.at)
    if history.ending is Ending.SELF_RESOLVED:
        return _last(history.of(EventKind.RESOLVED))
    return None


def _effect(event: Event) -> str:
    return Tree(event.body).text("verification", "effect")


def _first(events: Sequence[Event]) -> datetime | None:
    return events[0].at if events else None


def _last(events: Sequence[Event]) -> datetime | None:
    return events[-1].at if events else None


def _between(start: datetime, end: datetime | None) -> timedelta | None:
    return end - start if end else None
