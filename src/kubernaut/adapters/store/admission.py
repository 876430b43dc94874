"""How a signal becomes part of an incident, statement by statement; each function runs in its caller's transaction.

Row locks are taken in one order everywhere (signal, incidents by id, alerts, then the queue for events), so that two
transactions never wait for each other.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, and_, or_, select, update

from kubernaut.adapters.store.database import queue_for_events
from kubernaut.adapters.store.rows import (
    event_cells,
    incident_cells,
    incident_of,
    insert_into,
    searchable,
    signal_cells,
)
from kubernaut.adapters.store.schema import alerts, events, incidents, signals
from kubernaut.domain.errors import StoreUnavailable
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event, EventKind, told_by_signal
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.signals import Signal
from kubernaut.ports import Admission

_ROUNDS = 5


def admit_signal(connection: Connection, signal: Signal, candidate: Incident, hold: timedelta) -> Admission:
    """What became of the signal. A signal that was admitted before gets the same answer and is not counted again."""
    before = _earlier_admission(connection, signal)
    if before is not None:
        return before
    admission = _join_or_open(connection, signal, candidate, hold)
    connection.execute(
        update(signals)
        .where(signals.c.id == signal.id)
        .values(state="taken", incident=admission.incident.id, opened=admission.opened)
    )
    _note_firing(connection, signal, admission.incident)
    kind = EventKind.RECEIVED if admission.opened else EventKind.JOINED
    insert_event(connection, told_by_signal(kind, signal, admission.incident.id))
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
    connection.execute(update(signals).where(signals.c.id == signal.id).values(state="taken"))
    connection.execute(
        update(alerts)
        .where(alerts.c.alert_key == signal.alert_key, alerts.c.incident.in_(ids))
        .values(firing=False, at=signal.received_at)
    )
    for incident in resolved:
        insert_event(connection, told_by_signal(EventKind.RESOLVED, signal, incident.id))
    return [incident for incident in resolved if incident.is_open]


def insert_event(connection: Connection, event: Event) -> bool:
    """Whether the event is new."""
    queue_for_events(connection)
    statement = insert_into(events, connection).on_conflict_do_nothing(index_elements=["incident", "key"])
    return connection.execute(statement.values(event_cells(event)).returning(events.c.seq)).first() is not None


def update_incident(connection: Connection, incident: Incident) -> None:
    """Writes the incident as it stands now."""
    connection.execute(update(incidents).where(incidents.c.id == incident.id).values(incident_cells(incident)))


def _lock_signal(connection: Connection, signal: Signal) -> tuple[str | None, bool]:
    """The incident that took the signal, and whether it was opened for it; a signal not in the inbox is put there."""
    statement = insert_into(signals, connection).on_conflict_do_nothing(index_elements=["id"])
    query = select(signals.c.incident, signals.c.opened).where(signals.c.id == signal.id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        connection.execute(statement.values(signal_cells(signal)))
        row = connection.execute(query).one()
    return row.incident, row.opened


def _earlier_admission(connection: Connection, signal: Signal) -> Admission | None:
    incident, opened = _lock_signal(connection, signal)
    if incident is None:
        return None
    body = connection.scalars(select(incidents.c.body).where(incidents.c.id == incident)).one()
    return Admission(incident_of(body), opened)


def _join_or_open(connection: Connection, signal: Signal, candidate: Incident, hold: timedelta) -> Admission:
    for _ in range(_ROUNDS):
        found = _to_join(connection, signal, candidate, hold)
        if found is not None:
            joined = found.joined_once_more()
            update_incident(connection, joined)
            return Admission(joined, opened=False)
        statement = insert_into(incidents, connection).on_conflict_do_nothing(
            index_elements=["fingerprint"], index_where=incidents.c.phase != str(Phase.CLOSED)
        )
        opening = statement.values(incident_cells(candidate)).returning(incidents.c.id)
        if connection.execute(opening).first() is not None:
            return Admission(candidate, opened=True)
    raise StoreUnavailable(f"incidents of {candidate.target} open and close too fast to join one")


def _to_join(connection: Connection, signal: Signal, candidate: Incident, hold: timedelta) -> Incident | None:
    is_open = incidents.c.phase != str(Phase.CLOSED)
    query = (
        select(incidents.c.body)
        .where(
            incidents.c.fingerprint == searchable(candidate.fingerprint),
            # An alert that began after the end tells of something new, however soon it comes.
            or_(
                is_open,
                and_(
                    incidents.c.closed_at > signal.received_at - hold,
                    incidents.c.closed_at >= signal.starts_at,
                ),
            ),
        )
        .order_by(is_open.desc(), incidents.c.closed_at.desc(), incidents.c.id)
        .limit(1)
        .with_for_update()
    )
    body = connection.scalars(query).one_or_none()
    return None if body is None else incident_of(body)


def _note_firing(connection: Connection, signal: Signal, incident: Incident) -> None:
    # Alerts are admitted out of order when two processes share the inbox: the latest word of an alert counts.
    resolved_since = select(signals.c.id).where(
        signals.c.alert_key == signal.alert_key, ~signals.c.firing, signals.c.received_at > signal.received_at
    )
    firing = connection.execute(resolved_since.limit(1)).first() is None
    statement = insert_into(alerts, connection).values(
        alert_key=signal.alert_key, incident=incident.id, firing=firing, at=signal.received_at
    )
    new = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["alert_key", "incident"],
            set_={"firing": new.firing, "at": new.at},
            where=and_(alerts.c.at <= new.at),
        )
    )
