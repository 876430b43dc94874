"""The kill switch on a database: every process on it sees the same."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, select

from kubernaut.adapters.store.database import Database
from kubernaut.adapters.store.rows import insert_into, to_json
from kubernaut.adapters.store.schema import switch
from kubernaut.ports import Suspension

_IN_FORCE = select(switch.c.body)


class SqlSwitch:
    """One row while actions are off."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def suspension(self) -> Suspension | None:
        """The suspension in force."""
        body = await self._database.read(lambda connection: connection.scalars(_IN_FORCE).one_or_none())
        return None if body is None else msgspec.json.decode(body, type=Suspension)

    async def suspend(self, suspension: Suspension) -> None:
        """No action starts from now on. A later suspension takes the place of an earlier one."""

        def work(connection: Connection) -> None:
            statement = insert_into(switch, connection).values(id=1, body=to_json(suspension))
            connection.execute(
                statement.on_conflict_do_update(index_elements=["id"], set_={"body": statement.excluded.body})
            )

        await self._database.write(work)

    async def resume(self) -> None:
        """Actions may start again."""
        await self._database.write(lambda connection: connection.execute(delete(switch)))
