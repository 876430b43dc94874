"""Heartbeats on a database, by the database's clock."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, delete, select

from kubernaut.adapters.store.database import Database, database_time
from kubernaut.adapters.store.rows import insert_into
from kubernaut.adapters.store.schema import heartbeats
from kubernaut.ports import Heartbeats


class SqlHeartbeats(Heartbeats):
    """One row an executor."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def beat(self, executor: str) -> None:
        """Notes that the executor is alive now."""

        def work(connection: Connection) -> None:
            statement = insert_into(heartbeats, connection).values(executor=executor, at=database_time(connection))
            connection.execute(
                statement.on_conflict_do_update(index_elements=["executor"], set_={"at": statement.excluded.at})
            )

        await self._database.write(work)

    async def stale(self, older_than: timedelta) -> list[str]:
        """The executors whose last beat is older than that."""

        def work(connection: Connection) -> list[str]:
            # Beats and their age by one clock, so that a machine whose clock is off is neither dead nor immortal.
            oldest = database_time(connection) - older_than
            wanted = select(heartbeats.c.executor).where(heartbeats.c.at < oldest).order_by(heartbeats.c.executor)
            return list(connection.execute(wanted).scalars())

        return await self._database.read(work)

    async def forget(self, executor: str) -> None:
        """Removes an executor."""
        statement = delete(heartbeats).where(heartbeats.c.executor == executor)
        await self._database.write(lambda connection: connection.execute(statement))
