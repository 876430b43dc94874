"""Leases on a database, by the database's clock."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, delete, or_

from kubernaut.adapters.store.database import Database, database_time
from kubernaut.adapters.store.rows import insert_into
from kubernaut.adapters.store.schema import leases


class SqlLeases:
    """One row a name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def acquire(self, name: str, holder: str, *, duration: timedelta) -> bool:
        """True when the holder has it now; False while another's has not run out."""

        def work(connection: Connection) -> bool:
            # Holders sit on different machines, whose clocks differ; the database's is the one they share.
            now = database_time(connection)
            statement = insert_into(leases, connection).values(name=name, holder=holder, ends_at=now + duration)
            new = statement.excluded
            taken = statement.on_conflict_do_update(
                index_elements=["name"],
                set_={"holder": new.holder, "ends_at": new.ends_at},
                # In the statement itself: a look before the write would let two processes see the same free lease.
                where=or_(leases.c.holder == holder, leases.c.ends_at <= now),
            )
            return connection.execute(taken.returning(leases.c.name)).first() is not None

        return await self._database.write(work)

    async def release(self, name: str, holder: str) -> None:
        """Gives it back; nothing happens where it is another's."""
        statement = delete(leases).where(leases.c.name == name, leases.c.holder == holder)
        await self._database.write(lambda connection: connection.execute(statement))
