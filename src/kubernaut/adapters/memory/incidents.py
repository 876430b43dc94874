"""Incidents and their events in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from kubernaut.adapters.memory.signals import MemorySignalStore, Received
from kubernaut.domain.errors import UnknownName
from kubernaut.domain.incidents import Fingerprint, Incident, IncidentId
from kubernaut.domain.journal import Event, EventKind, cause_told, told_by_closing, told_by_opening, told_by_signal
from kubernaut.domain.lifecycle import LEFT_TO_PEOPLE, Ending, Phase
from kubernaut.domain.signals import AlertKey, Signal
from kubernaut.ports import Admission, IncidentFilter


class MemoryIncidentStore:
    """Shares the inbox, which admitting and resolving take signals out of."""

    def __init__(self, inbox: MemorySignalStore) -> None:
        self._inbox = inbox
        self._incidents: dict[IncidentId, Incident] = {}
        self._log = _EventLog()
        self._alerts: dict[tuple[AlertKey, IncidentId], Signal] = {}
        self._causes: dict[IncidentId, str] = {}

    async def admit(self, signal: Signal, candidate: Incident, *, hold: timedelta, symptom: bool = False) -> Admission:
        """Joins the open incident of the same fingerprint, or one closed within `hold`, or opens the candidate."""
        entry = self._inbox.received.setdefault(signal.id, Received(signal))
        if entry.incident is not None:
            return Admission(self._incidents[entry.incident], entry.opened)
        same = [each for each in self._incidents.values() if each.fingerprint == candidate.fingerprint]
        found = _to_join(same, signal, signal.received_at - hold, symptom=symptom)
        incident = found.joined_once_more() if found else candidate
        self._incidents[incident.id] = incident
        entry.waiting, entry.incident, entry.opened = False, incident.id, found is None
        self._note(signal, incident.id)
        for other in self._inbox.received.values():
            if other.signal.alert_key == signal.alert_key and not other.signal.firing:
                self._note(other.signal, incident.id)
        joining = told_by_signal(EventKind.JOINED, signal, incident.id) if found else None
        self._log.add(joining or told_by_opening(signal, incident))
        return Admission(incident, entry.opened)

    async def resolve(self, signal: Signal) -> list[Incident]:
        """The open incidents that the alert's firing opened or joined, with the resolution noted."""
        self._inbox.received.setdefault(signal.id, Received(signal)).waiting = False
        resolved = []
        for (key, incident), last in sorted(self._alerts.items(), key=lambda item: item[0]):
            current = self._incidents[incident]
            concerned = key == signal.alert_key and last.received_at <= signal.received_at
            if concerned and (current.is_open or last.firing):
                self._note(signal, incident)
                self._log.add(told_by_signal(EventKind.RESOLVED, signal, incident))
                resolved.append(current)
        return [incident for incident in resolved if incident.is_open]

    async def of_alert(self, alert: AlertKey) -> Incident | None:
        """The newest incident that this alert opened or joined, open or closed."""
        own = [self._incidents[incident] for key, incident in self._alerts if key == alert]
        return max(own, key=lambda incident: (incident.opened_at, incident.id), default=None)

    async def still_firing(self, incident: IncidentId) -> bool:
        """Whether any alert that opened or joined the incident has not been resolved."""
        return any(last.firing for (_, of), last in self._alerts.items() if of == incident)

    async def get(self, incident: IncidentId) -> Incident | None:
        """The incident as it stands."""
        return self._incidents.get(incident)

    async def open_fingerprint(self, fingerprint: Fingerprint) -> Incident | None:
        """The open incident of that fingerprint."""
        return next((i for i in self._incidents.values() if i.is_open and i.fingerprint == fingerprint), None)

    async def find(self, wanted: IncidentFilter) -> list[Incident]:
        """The incidents that match."""
        matching = [incident for incident in self._incidents.values() if self._matches(incident, wanted)]
        matching.sort(key=lambda incident: (incident.opened_at, incident.id), reverse=True)
        return matching[wanted.offset : wanted.offset + wanted.limit]

    async def count(self, wanted: IncidentFilter) -> int:
        """How many match, without paging."""
        return sum(self._matches(incident, wanted) for incident in self._incidents.values())

    async def append(self, event: Event, *, phase: Phase | None = None, guard: str = "") -> None:
        """Appends the event, moves the incident, notes the guard; a key that is there already changes nothing."""
        current = self._known(event.incident)
        if self._log.tells(event):
            return
        moved = current.moved_to(phase) if phase is not None else current
        self._incidents[current.id] = moved.decided_by(guard)
        cause = cause_told(event)
        if cause is not None:
            self._causes[current.id] = cause
        self._log.add(event.decided_by(guard), phase)

    async def close(self, incident: IncidentId, *, ending: Ending, reason: str, at: datetime, guard: str = "") -> None:
        """Closes the incident with its `closed` event. Closing a closed one changes nothing."""
        current = self._known(incident)
        if current.is_open:
            self._incidents[incident] = current.closed_as(ending, reason=reason, at=at).decided_by(guard)
            closing = told_by_closing(incident, ending, reason=reason, at=at)
            self._log.add(closing.decided_by(guard), Phase.CLOSED)

    async def events(
        self,
        incident: IncidentId | None = None,
        *,
        after: int = 0,
        limit: int = 1000,
        kinds: Sequence[EventKind] = (),
    ) -> list[Event]:
        """Events in order of `seq`, of one incident or of all."""
        wanted = [
            event
            for event in self._log.events
            if event.seq > after and incident in (None, event.incident) and (not kinds or event.kind in kinds)
        ]
        return wanted[:limit]

    async def events_of(
        self, incidents: Sequence[IncidentId], *, kinds: Sequence[EventKind]
    ) -> dict[IncidentId, list[Event]]:
        """The events of those kinds of several incidents at once, each in order of `seq`."""
        most = len(self._log.events)
        return {incident: await self.events(incident, limit=most, kinds=kinds) for incident in incidents}

    async def last_seq(self) -> int:
        """The number of the newest event, 0 where there is none."""
        return len(self._log.events)

    async def events_about(
        self, objects: Collection[str], *, since: datetime, kinds: Sequence[EventKind]
    ) -> list[Event]:
        """Events of those kinds since then, of every incident, that touched one of the objects (`Event.about`)."""
        return [
            event
            for event in self._log.events
            if event.about and event.about in objects and event.at >= since and event.kind in kinds
        ]

    async def acts_since(self, since: datetime, *, kinds: Sequence[EventKind]) -> list[Event]:
        """Events of those kinds since then that are about any object, in order of `seq`."""
        return [event for event in self._log.events if event.about and event.at >= since and event.kind in kinds]

    def _matches(self, incident: Incident, wanted: IncidentFilter) -> bool:
        return _matches(incident, wanted, self._causes.get(incident.id, ""))

    def _known(self, incident: IncidentId) -> Incident:
        if incident not in self._incidents:
            raise UnknownName(f"no incident {incident}", help="kubernaut incidents list")
        return self._incidents[incident]

    def _note(self, signal: Signal, incident: IncidentId) -> None:
        last = self._alerts.get((signal.alert_key, incident))
        if last is None or last.received_at <= signal.received_at:
            self._alerts[signal.alert_key, incident] = signal


class _EventLog:
    """Events in the order in which they came, each key of an incident once."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def tells(self, event: Event) -> bool:
        return any(told.incident == event.incident and told.key == event.key for told in self.events)

    def add(self, event: Event, phase: Phase | None = None) -> None:
        if not self.tells(event):
            # Through JSON, so that what is read back is what a database gives back.
            body = msgspec.json.decode(msgspec.json.encode(event.body))
            self.events.append(replace(event, body=body, seq=len(self.events) + 1, phase=phase))


def _to_join(same: Sequence[Incident], signal: Signal, held: datetime, *, symptom: bool) -> Incident | None:
    """Of the incidents of one fingerprint the open one, else the last that the signal still belongs to."""
    closed = [each for each in same if _still_holds(each, signal, held, symptom=symptom)]
    latest = max(closed, key=lambda each: each.closed_at or each.opened_at, default=None)
    return next((each for each in same if each.is_open), latest)


def _still_holds(incident: Incident, signal: Signal, held: datetime, *, symptom: bool) -> bool:
    if incident.closed_at is None or incident.closed_at <= held:
        return False
    return incident.closed_at >= signal.starts_at or (symptom and incident.ending in LEFT_TO_PEOPLE)


def _matches(incident: Incident, wanted: IncidentFilter, cause: str) -> bool:
    return (
        (incident.is_open or not wanted.open_only)
        and wanted.ending in (None, incident.ending)
        and wanted.namespace in ("", incident.target.namespace)
        and wanted.guard in ("", incident.guard)
        and wanted.text.lower() in incident.words
        and (wanted.since is None or incident.opened_at >= wanted.since)
        and wanted.alert in ("", incident.alert)
        and wanted.cause in ("", cause)
        and wanted.phase in (None, incident.phase)
        and incident.id.startswith(wanted.id_prefix)
    )
