"""A whole log of events taken into a database, with the incidents that it tells of.

The events keep their words and times; their place in the chain is that of this database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection

from kubernaut.adapters.store.admission import insert_event, note_cause
from kubernaut.adapters.store.rows import incident_cells, insert_into
from kubernaut.adapters.store.schema import incidents
from kubernaut.domain.errors import StoreError
from kubernaut.domain.journal import Event, cause_told
from kubernaut.domain.reconstruction import rebuild


def take_in(connection: Connection, log: Sequence[Event]) -> int:
    """How many incidents the log brought. Raises `StoreError` for one that is open, or that is here already."""
    own: dict[str, list[Event]] = defaultdict(list)
    for event in log:
        own[event.incident].append(event)
    for events in own.values():
        incident = rebuild(events)
        if incident is None or incident.is_open:
            # An open incident has a run, and a log has none: it would stand open for ever.
            raise StoreError(f"the log does not tell how {events[0].incident} began and ended")
        statement = insert_into(incidents, connection).values(**incident_cells(incident))
        if connection.execute(statement.on_conflict_do_nothing().returning(incidents.c.id)).first() is None:
            raise StoreError(f"{incident.id} is in this database already")
        causes = [cause for event in events if (cause := cause_told(event)) is not None]
        if causes:
            note_cause(connection, incident.id, causes[-1])
    for event in log:
        insert_event(connection, event, event.phase)
    return len(own)
