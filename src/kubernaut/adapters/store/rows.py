"""Domain values as rows and back: the JSON of a value in `body`, and beside it the columns it is found by."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Table
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from kubernaut.domain.chain import digest
from kubernaut.domain.incidents import Incident, IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import Json
from kubernaut.domain.signals import Signal

_encoder = msgspec.json.Encoder()
_signal = msgspec.json.Decoder(Signal)
_incident = msgspec.json.Decoder(Incident)
Cells = dict[str, object]


def signal_cells(signal: Signal) -> Cells:
    """The columns of a signal that has just come in."""
    return {
        "id": signal.id,
        "alert_key": signal.alert_key,
        "firing": signal.firing,
        "received_at": signal.received_at,
        "body": to_json(signal),
        "state": "waiting",
        "opened": False,
    }


def signal_of(body: str) -> Signal:
    """The signal of a body."""
    return _signal.decode(body)


def incident_cells(incident: Incident) -> Cells:
    """The columns of an incident."""
    return {
        "id": incident.id,
        "fingerprint": searchable(incident.fingerprint),
        "phase": str(incident.phase),
        "ending": incident.ending and str(incident.ending),
        "namespace": searchable(incident.target.namespace),
        "words": searchable(incident.words),
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "guard": searchable(incident.guard),
        "body": to_json(incident),
        "alert": searchable(incident.alert),
    }


def incident_of(body: str) -> Incident:
    """The incident of a body."""
    return _incident.decode(body)


def event_cells(event: Event, phase: Phase | None) -> Cells:
    """The columns of an event, but for its number and its hash, which the database gives it; and its digest."""
    key, kind, about = searchable(event.key), str(event.kind), searchable(event.about)
    went, body = str(phase or ""), to_json(event.body)
    return {
        "incident": event.incident,
        "key": key,
        "kind": kind,
        "at": event.at,
        "about": about,
        "phase": went,
        "body": body,
        "digest": digest(event.incident, key, kind, event.at, about, went, body),
    }


def event_of(row: Row[Any]) -> Event:
    """The event of a row."""
    body: dict[str, Json] = msgspec.json.decode(row.body)
    phase = Phase(row.phase) if row.phase else None
    return Event(IncidentId(row.incident), row.key, EventKind(row.kind), row.at, body, row.about, row.seq, phase)


def searchable(text: str) -> str:
    """The text without the one character that PostgreSQL refuses."""
    return text.replace("\0", "")


def to_json(value: object) -> str:
    """The value as JSON text."""
    return _encoder.encode(value).decode()


def insert_into(table: Table, connection: Connection) -> PostgresInsert | SqliteInsert:
    """An insert that knows `ON CONFLICT`, which is spelt alike and lives apart in SQLAlchemy."""
    return insertion(table, connection.dialect.name)


def insertion(table: Table, dialect: str) -> PostgresInsert | SqliteInsert:
    """The same by the dialect's name, for statements that are kept: building one takes longer than to execute it."""
    return postgres_insert(table) if dialect == "postgresql" else sqlite_insert(table)
