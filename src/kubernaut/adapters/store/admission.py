"""How a signal becomes part of an incident, statement by statement; each function runs in its caller's transaction.

Row locks are taken in one order everywhere (signal, incidents by id, alerts, then the queue for events), so that two
transactions never wait for each other.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from sqlalchemy import Boolean, Connection, Text, and_, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.sql.dml import ReturningInsert

from kubernaut.adapters.store.database import queue_for_events
from kubernaut.adapters.store.rows import (
    event_cells,
    incident_cells,
    incident_of,
    insertion,
    searchable,
    signal_cells,
)
from kubernaut.adapters.store.schema import alerts, events, incidents, signals
from kubernaut.adapters.store.sealing import linked
from kubernaut.domain.chain import GENESIS
from kubernaut.domain.errors import StoreUnavailable
from kubernaut.domain.incidents import Incident, IncidentId
from kubernaut.domain.journal import Event, EventKind, told_by_opening, told_by_signal
from kubernaut.domain.lifecycle import LEFT_TO_PEOPLE, Phase
from kubernaut.domain.signals import Signal
from kubernaut.ports import Admission

# Between the look for an open incident and the insert of a new one another process may open or close it: then once
# more.
_ROUNDS = 5

# Statements that every alert needs are built once: to build one takes several times as long as to execute it.
_IS_OPEN = incidents.c.phase != str(Phase.CLOSED)
_TAKE_SIGNAL = update(signals).where(signals.c.id == bindparam("signal")).values(state="taken")
_LOCK_SIGNAL = select(signals.c.incident, signals.c.opened).where(signals.c.id == bindparam("signal")).with_for_update()
_UPDATE_INCIDENT = update(incidents).where(incidents.c.id == bindparam("which"))
_NOTE_CAUSE = update(incidents).where(incidents.c.id == bindparam("which")).values(cause=bindparam("found"))
_BODY = select(incidents.c.body).where(incidents.c.id == bindparam("which"))
_RESOLVED_SINCE = (
    select(signals.c.id)
    .where(signals.c.alert_key == bindparam("alert"), ~signals.c.firing, signals.c.received_at > bindparam("received"))
    .limit(1)
)
_TO_JOIN = (
    select(incidents.c.body)
    .where(
        incidents.c.fingerprint == bindparam("same"),
        # An alert that began after the end tells of something new, however soon it comes, unless its cause is known.
        or_(
            _IS_OPEN,
            and_(
                incidents.c.closed_at > bindparam("held"),
                or_(
                    incidents.c.closed_at >= bindparam("started"),
                    and_(bindparam("symptom", type_=Boolean), incidents.c.ending.in_(sorted(LEFT_TO_PEOPLE))),
                ),
            ),
        ),
    )
    .order_by(_IS_OPEN.desc(), incidents.c.closed_at.desc(), incidents.c.id)
    .limit(1)
    .with_for_update()
)


def admit_signal(
    connection: Connection, signal: Signal, candidate: Incident, hold: timedelta, *, symptom: bool = False
) -> Admission:
    """What became of the signal. A signal that was admitted before gets the same answer and is not counted again."""
    # A signal may come twice, from a sender that got no answer, or from two processes that read the same inbox.
    before = _earlier_admission(connection, signal)
    if before is not None:
        return before
    admission = _join_or_open(connection, signal, candidate, hold, symptom=symptom)
    taken = {"signal": signal.id, "incident": admission.incident.id, "opened": admission.opened}
    # In the same transaction as the incident: a crash leaves the signal waiting, and never half taken.
    connection.execute(_TAKE_SIGNAL, taken)
    _note_firing(connection, signal, admission.incident)
    incident = admission.incident
    opening = told_by_opening(signal, incident) if admission.opened else None
    insert_event(connection, opening or told_by_signal(EventKind.JOINED, signal, incident.id))
    return admission


def resolve_signal(connection: Connection, signal: Signal) -> list[Incident]:
    """The open incidents of the alert, unless it has fired again since; noted on those closed while it fired, too."""
    _lock_signal(connection, signal)
    of_alert = select(alerts.c.incident).where(
        alerts.c.alert_key == signal.alert_key, alerts.c.at <= signal.received_at
    )
    is_open = incidents.c.phase != str(Phase.CLOSED)
    wanted = (
        select(incidents.c.body)
        .where(
            or_(
                and_(incidents.c.id.in_(of_alert), is_open),
                incidents.c.id.in_(of_alert.where(alerts.c.firing)),
            )
        )
        .order_by(incidents.c.id)
        .with_for_update()
    )
    resolved = [incident_of(body) for body in connection.scalars(wanted)]
    ids = [incident.id for incident in resolved]
    connection.execute(_TAKE_SIGNAL, {"signal": signal.id})
    connection.execute(
        update(alerts)
        .where(alerts.c.alert_key == signal.alert_key, alerts.c.incident.in_(ids))
        .values(firing=False, at=signal.received_at)
    )
    for incident in resolved:
        insert_event(connection, told_by_signal(EventKind.RESOLVED, signal, incident.id))
    return [incident for incident in resolved if incident.is_open]


def insert_event(connection: Connection, event: Event, phase: Phase | None = None) -> bool:
    """Whether the event is new; `phase` is where the incident goes with it.

    The statement itself reads the hash of the last event and links to it: whoever appends holds off the others until
    its commit, so no two events follow the same one.
    """
    # Right before the insert, so that the others wait for as short as can be.
    queue_for_events(connection)
    statement = _event_insertion(connection.dialect.name)
    return connection.execute(statement, event_cells(event, phase)).first() is not None


def update_incident(connection: Connection, incident: Incident) -> None:
    """Writes the incident as it stands now."""
    connection.execute(_UPDATE_INCIDENT, {"which": incident.id, **incident_cells(incident)})


def note_cause(connection: Connection, incident: IncidentId, cause: str) -> None:
    """Writes the cause that the incident is found by."""
    connection.execute(_NOTE_CAUSE, {"which": incident, "found": searchable(cause)})


def _lock_signal(connection: Connection, signal: Signal) -> tuple[str | None, bool]:
    """The incident that took the signal, and whether it was opened for it; a signal not in the inbox is put there."""
    row = connection.execute(_LOCK_SIGNAL, {"signal": signal.id}).one_or_none()
    if row is None:
        new = insertion(signals, connection.dialect.name).on_conflict_do_nothing(index_elements=["id"])
        connection.execute(new, signal_cells(signal))
        row = connection.execute(_LOCK_SIGNAL, {"signal": signal.id}).one()
    return row.incident, row.opened


def _earlier_admission(connection: Connection, signal: Signal) -> Admission | None:
    incident, opened = _lock_signal(connection, signal)
    if incident is None:
        return None
    body = connection.scalars(_BODY, {"which": incident}).one()
    return Admission(incident_of(body), opened)


def _join_or_open(
    connection: Connection, signal: Signal, candidate: Incident, hold: timedelta, *, symptom: bool
) -> Admission:
    for _ in range(_ROUNDS):
        found = _to_join(connection, signal, candidate, hold, symptom=symptom)
        if found is not None:
            joined = found.joined_once_more()
            update_incident(connection, joined)
            return Admission(joined, opened=False)
        opening = _incident_insertion(connection.dialect.name)
        if connection.execute(opening, incident_cells(candidate)).first() is not None:
            return Admission(candidate, opened=True)
    raise StoreUnavailable(f"incidents of {candidate.target} open and close too fast to join one")


def _to_join(
    connection: Connection, signal: Signal, candidate: Incident, hold: timedelta, *, symptom: bool
) -> Incident | None:
    wanted = {
        "same": searchable(candidate.fingerprint),
        "held": signal.received_at - hold,
        "started": signal.starts_at,
        "symptom": symptom,
    }
    body = connection.scalars(_TO_JOIN, wanted).one_or_none()
    return None if body is None else incident_of(body)


def _note_firing(connection: Connection, signal: Signal, incident: Incident) -> None:
    # Alerts are admitted out of order when two processes share the inbox: the latest word of an alert counts.
    since = connection.execute(_RESOLVED_SINCE, {"alert": signal.alert_key, "received": signal.received_at})
    cells = {
        "alert_key": signal.alert_key,
        "incident": incident.id,
        "firing": since.first() is None,
        "at": signal.received_at,
    }
    connection.execute(_alert_insertion(connection.dialect.name), cells)


@lru_cache
def _event_insertion(dialect: str) -> ReturningInsert[tuple[int]]:
    last = select(events.c.hash).order_by(events.c.seq.desc()).limit(1).scalar_subquery()
    before = func.coalesce(last, GENESIS)
    named = ("incident", "key", "kind", "at", "about", "phase", "body")
    cells = {name: bindparam(name, type_=events.c[name].type) for name in named}
    new = insertion(events, dialect).values(**cells, hash=linked(before, bindparam("digest", type_=Text), dialect))
    # The key makes a step that is repeated tell its story once.
    return new.on_conflict_do_nothing(index_elements=["incident", "key"]).returning(events.c.seq)


@lru_cache
def _incident_insertion(dialect: str) -> ReturningInsert[tuple[str]]:
    # The partial index lets one fingerprint have many closed incidents and one open one; the database holds it, not we.
    new = insertion(incidents, dialect).on_conflict_do_nothing(index_elements=["fingerprint"], index_where=_IS_OPEN)
    return new.returning(incidents.c.id)


@lru_cache
def _alert_insertion(dialect: str) -> PostgresInsert | SqliteInsert:
    statement = insertion(alerts, dialect)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["alert_key", "incident"],
        set_={"firing": new.firing, "at": new.at},
        # An older word of the alert that arrives late changes nothing.
        where=and_(alerts.c.at <= new.at),
    )
