"""Incidents and their events on a database."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select

from kubernaut.adapters.store.admission import admit_signal, insert_event, note_cause, resolve_signal, update_incident
from kubernaut.adapters.store.database import Database
from kubernaut.adapters.store.rows import event_of, incident_of, searchable
from kubernaut.adapters.store.schema import alerts, events, incidents
from kubernaut.domain.errors import UnknownName
from kubernaut.domain.incidents import Fingerprint, Incident, IncidentId
from kubernaut.domain.journal import Event, EventKind, cause_told, told_by_closing
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.signals import AlertKey, Signal
from kubernaut.ports import Admission, IncidentFilter

# Built once, since to build one takes longer than to execute it.
_OF_ALERT = (
    select(incidents.c.body)
    .join(alerts, alerts.c.incident == incidents.c.id)
    .where(alerts.c.alert_key == bindparam("alert"))
    .order_by(incidents.c.opened_at.desc(), incidents.c.id.desc())
    .limit(1)
)
_FIRING = select(alerts.c.incident).where(alerts.c.incident == bindparam("which"), alerts.c.firing).limit(1)
_ABOUT = (
    select(events)
    .where(
        events.c.about.in_(bindparam("about", expanding=True)), events.c.about != "", events.c.at >= bindparam("since")
    )
    .where(events.c.kind.in_(bindparam("kinds", expanding=True)))
    .order_by(events.c.seq)
)
_ACTS = (
    select(events)
    .where(events.c.about != "", events.c.at >= bindparam("since"))
    .where(events.c.kind.in_(bindparam("kinds", expanding=True)))
    .order_by(events.c.seq)
)
_OF_SEVERAL = (
    select(events)
    .where(events.c.incident.in_(bindparam("which", expanding=True)))
    .where(events.c.kind.in_(bindparam("kinds", expanding=True)))
    .order_by(events.c.seq)
)
_WILD = re.compile(r"[/%_]")
_OF_ONE = (
    select(events)
    .where(events.c.incident == bindparam("which"), events.c.seq > bindparam("after"))
    .order_by(events.c.seq)
    .limit(bindparam("most"))
)
_OF_ONE_BY_KIND = _OF_ONE.where(events.c.kind.in_(bindparam("kinds", expanding=True)))
_OF_ALL = select(events).where(events.c.seq > bindparam("after")).order_by(events.c.seq).limit(bindparam("most"))
_OF_ALL_BY_KIND = _OF_ALL.where(events.c.kind.in_(bindparam("kinds", expanding=True)))
_LAST = select(func.coalesce(func.max(events.c.seq), 0))
_BY_ID = select(incidents.c.body).where(incidents.c.id == bindparam("which"))
_OPEN_OF_FINGERPRINT = select(incidents.c.body).where(
    incidents.c.fingerprint == bindparam("same"), incidents.c.phase != str(Phase.CLOSED)
)
# Two events of one incident wait for each other here, so each is appended to the phase that it saw.
_LOCK = select(incidents.c.body).where(incidents.c.id == bindparam("which")).with_for_update()


class SqlIncidentStore:
    """Each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def admit(self, signal: Signal, candidate: Incident, *, hold: timedelta, symptom: bool = False) -> Admission:
        """Joins the open incident of the same fingerprint, or one closed less than `hold` ago, or opens the candidate.

        "Ago" is counted from when the signal was received. Admitting a signal again gives the first answer again.
        """
        return await self._database.write(
            lambda connection: admit_signal(connection, signal, candidate, hold, symptom=symptom)
        )

    async def resolve(self, signal: Signal) -> list[Incident]:
        """The open incidents that the alert's firing opened or joined, with the resolution noted."""
        return await self._database.write(lambda connection: resolve_signal(connection, signal))

    async def of_alert(self, alert: AlertKey) -> Incident | None:
        """The newest incident that this alert opened or joined, open or closed."""
        body = await self._database.read(lambda connection: connection.scalars(_OF_ALERT, {"alert": alert}).first())
        return None if body is None else incident_of(body)

    async def still_firing(self, incident: IncidentId) -> bool:
        """Whether any alert that opened or joined the incident has not been resolved."""
        wanted = {"which": incident}
        return await self._database.read(lambda connection: connection.execute(_FIRING, wanted).first() is not None)

    async def get(self, incident: IncidentId) -> Incident | None:
        """The incident as it stands."""
        return await self._database.read(lambda connection: _one(connection, _BY_ID, {"which": incident}))

    async def open_fingerprint(self, fingerprint: Fingerprint) -> Incident | None:
        """The open incident of that fingerprint."""
        same = {"same": searchable(fingerprint)}
        return await self._database.read(lambda connection: _one(connection, _OPEN_OF_FINGERPRINT, same))

    async def find(self, wanted: IncidentFilter) -> list[Incident]:
        """The incidents that match."""
        given = _given(wanted)
        page = {**given, "most": wanted.limit, "passed_over": wanted.offset}
        query = _page(frozenset(given))
        return await self._database.read(
            lambda connection: [incident_of(body) for body in connection.scalars(query, page)]
        )

    async def count(self, wanted: IncidentFilter) -> int:
        """How many match, without paging."""
        given = _given(wanted)
        query = _number(frozenset(given))
        return await self._database.read(lambda connection: connection.execute(query, given).scalar_one())

    async def append(self, event: Event, *, phase: Phase | None = None, guard: str = "") -> None:
        """Appends the event, moves the incident, notes the guard; a key that is there already changes nothing.

        Raises `TransitionRefused` where the incident may not go there, and `UnknownName` where there is none.
        """

        def work(connection: Connection) -> None:
            incident = _locked(connection, event.incident)
            # Only a new event moves the incident: a repeated step must not move it back from where it has gone since.
            if insert_event(connection, event.decided_by(guard), phase) and (phase is not None or guard):
                moved = incident.moved_to(phase) if phase is not None else incident
                update_incident(connection, moved.decided_by(guard))
            cause = cause_told(event)
            if cause is not None:
                note_cause(connection, incident.id, cause)

        await self._database.write(work)

    async def close(self, incident: IncidentId, *, ending: Ending, reason: str, at: datetime, guard: str = "") -> None:
        """Closes the incident with its `closed` event. Closing a closed one changes nothing."""

        def work(connection: Connection) -> None:
            current = _locked(connection, incident)
            if current.is_open:
                update_incident(connection, current.closed_as(ending, reason=reason, at=at).decided_by(guard))
                closing = told_by_closing(incident, ending, reason=reason, at=at)
                insert_event(connection, closing.decided_by(guard), Phase.CLOSED)

        await self._database.write(work)

    async def events(
        self,
        incident: IncidentId | None = None,
        *,
        after: int = 0,
        limit: int = 1000,
        kinds: Sequence[EventKind] = (),
    ) -> list[Event]:
        """Events in order of `seq`, of one incident or of all."""
        if incident is not None:
            of_one = {"which": incident, "after": after, "most": limit}
            told = of_one | ({"kinds": [str(kind) for kind in kinds]} if kinds else {})
            statement = _OF_ONE_BY_KIND if kinds else _OF_ONE
            return await self._database.read(
                lambda connection: [event_of(row) for row in connection.execute(statement, told)]
            )
        of_all = {"after": after, "most": limit} | ({"kinds": [str(kind) for kind in kinds]} if kinds else {})
        query = _OF_ALL_BY_KIND if kinds else _OF_ALL
        return await self._database.read(
            lambda connection: [event_of(row) for row in connection.execute(query, of_all)]
        )

    async def events_of(
        self, incidents: Sequence[IncidentId], *, kinds: Sequence[EventKind]
    ) -> dict[IncidentId, list[Event]]:
        """The events of those kinds of several incidents at once, each in order of `seq`."""
        found: dict[IncidentId, list[Event]] = {incident: [] for incident in incidents}
        wanted = {"which": list(found), "kinds": [str(kind) for kind in kinds]}
        for event in await self._database.read(
            lambda connection: [event_of(row) for row in connection.execute(_OF_SEVERAL, wanted)]
        ):
            found[event.incident].append(event)
        return found

    async def last_seq(self) -> int:
        """The number of the newest event, 0 where there is none."""
        return await self._database.read(lambda connection: connection.execute(_LAST).scalar_one())

    async def events_about(
        self, objects: Collection[str], *, since: datetime, kinds: Sequence[EventKind]
    ) -> list[Event]:
        """Events of those kinds since then, of every incident, that touched one of the objects (`Event.about`)."""
        wanted = {
            "about": [searchable(each) for each in objects],
            "since": since,
            "kinds": [str(kind) for kind in kinds],
        }
        return await self._database.read(
            lambda connection: [event_of(row) for row in connection.execute(_ABOUT, wanted)]
        )

    async def acts_since(self, since: datetime, *, kinds: Sequence[EventKind]) -> list[Event]:
        """Events of those kinds since then that are about any object, in order of `seq`."""
        wanted = {"since": since, "kinds": [str(kind) for kind in kinds]}
        return await self._database.read(
            lambda connection: [event_of(row) for row in connection.execute(_ACTS, wanted)]
        )


# What each given part of a filter asks for. Not LIKE for ids, which forgets about capitals on SQLite.
_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    **{name: incidents.c[name] == bindparam(name) for name in ("namespace", "guard", "cause", "alert", "ending")},
    "open": incidents.c.phase != str(Phase.CLOSED),
    "phase": incidents.c.phase == bindparam("phase"),
    "text": incidents.c.words.like(bindparam("text"), escape="/"),
    "id_prefix": func.substr(incidents.c.id, 1, func.length(bindparam("id_prefix"))) == bindparam("id_prefix"),
    "since": incidents.c.opened_at >= bindparam("since"),
}


def _given(wanted: IncidentFilter) -> dict[str, str | datetime | bool]:
    """The parts of the filter that restrict, by the names of their conditions, with their values."""
    texts = {name: getattr(wanted, name) for name in ("namespace", "guard", "cause", "alert", "id_prefix")}
    given: dict[str, str | datetime | bool] = {name: searchable(value) for name, value in texts.items() if value}
    # Also for a phase, so that the index of open incidents serves every one but the last.
    if wanted.open_only or wanted.phase not in (None, Phase.CLOSED):
        given["open"] = True
    if wanted.phase is not None:
        given["phase"] = str(wanted.phase)
    if wanted.ending is not None:
        given["ending"] = str(wanted.ending)
    if wanted.text:
        given["text"] = "%" + _WILD.sub(r"/\g<0>", searchable(wanted.text.lower())) + "%"
    if wanted.since is not None:
        given["since"] = wanted.since
    return given


@lru_cache
def _page(given: frozenset[str]) -> Select[str]:
    # To build a statement takes longer than to execute it, and filters come in few shapes.
    return (
        select(incidents.c.body)
        .where(*(_CONDITIONS[name] for name in sorted(given)))
        .order_by(incidents.c.opened_at.desc(), incidents.c.id.desc())
        .limit(bindparam("most"))
        .offset(bindparam("passed_over"))
    )


@lru_cache
def _number(given: frozenset[str]) -> Select[int]:
    return select(func.count()).select_from(incidents).where(*(_CONDITIONS[name] for name in sorted(given)))


def _one(connection: Connection, statement: Select[str], wanted: Mapping[str, str]) -> Incident | None:
    body = connection.scalars(statement, wanted).one_or_none()
    return None if body is None else incident_of(body)


def _locked(connection: Connection, incident: IncidentId) -> Incident:
    body = connection.scalars(_LOCK, {"which": incident}).one_or_none()
    if body is None:
        raise UnknownName(f"no incident {incident}", help="kubernaut incidents list")
    return incident_of(body)
