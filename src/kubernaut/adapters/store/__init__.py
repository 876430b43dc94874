"""The store on SQLite or PostgreSQL: one schema, one code, two databases.

`open_store` is the way in. Reading order: `schema`, `database`, `group_commit`, `admission`, then one file a port.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine

from kubernaut.adapters.store.database import Database
from kubernaut.adapters.store.heartbeats import SqlHeartbeats
from kubernaut.adapters.store.incidents import SqlIncidentStore
from kubernaut.adapters.store.leases import SqlLeases
from kubernaut.adapters.store.migrations import migrate
from kubernaut.adapters.store.opening import open_engine
from kubernaut.adapters.store.rows import insert_into
from kubernaut.adapters.store.runs import SqlRuns
from kubernaut.adapters.store.schema import probe
from kubernaut.adapters.store.sealing import SqlEventLog
from kubernaut.adapters.store.shelf import SqlShelf
from kubernaut.adapters.store.signals import SqlSignalStore
from kubernaut.adapters.store.switch import SqlSwitch
from kubernaut.adapters.store.taking_in import take_in
from kubernaut.domain.errors import StoreUnavailable
from kubernaut.domain.journal import Event
from kubernaut.domain.redaction import redact_text
from kubernaut.ports import Meter


class Store:
    """All that is kept, as ports on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.signals = SqlSignalStore(database)
        self.incidents = SqlIncidentStore(database)
        self.event_log = SqlEventLog(database)
        self.leases = SqlLeases(database)
        self.heartbeats = SqlHeartbeats(database)
        self.runs = SqlRuns(database)
        self.switch = SqlSwitch(database)
        self.shelf = SqlShelf(database)

    @property
    def database_engine(self) -> Engine:
        """The connections, for tables that another adapter keeps in the same database."""
        return self._database.engine

    async def prove_writable(self) -> None:
        """Commits one row; raises a `StoreError` where that cannot be done."""

        def work(connection: Connection) -> None:
            statement = insert_into(probe, connection).values(id=1, at=datetime.now(UTC))
            connection.execute(
                statement.on_conflict_do_update(index_elements=["id"], set_={"at": statement.excluded.at})
            )

        await self._database.write(work)

    async def take_in(self, log: Sequence[Event]) -> int:
        """How many incidents that log of events brought; all of it is here afterwards, or nothing."""
        # On a thread of its own: a long log takes longer than other writes wait for a database that hangs.
        return await asyncio.to_thread(self._database.write_here, lambda connection: take_in(connection, log))

    def close(self) -> None:
        """Commits what is waiting and lets the database go."""
        self.signals.close()
        self._database.close()


def open_store(url: str, meter: Meter | None = None) -> Store:
    """A store on `sqlite:///path` or `postgresql://…`, its schema brought up to this version.

    Raises `SettingsError` for a URL it cannot use and `StoreUnavailable` where the database does not answer.
    """
    engine = open_engine(url)
    database = Database(engine, meter)
    with ExitStack() as on_failure:
        on_failure.callback(database.close)
        try:
            database.write_here(migrate)
        except StoreUnavailable as error:
            place = engine.url.database if engine.dialect.name == "sqlite" else engine.url.render_as_string()
            raise StoreUnavailable(f"{redact_text(place or '')}: {error}", help=error.help) from error
        on_failure.pop_all()
    return Store(database)
