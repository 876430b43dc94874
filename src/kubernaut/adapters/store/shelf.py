"""Texts that are kept until a moment, on a database."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from kubernaut.adapters.store.database import Database
from kubernaut.adapters.store.rows import insert_into
from kubernaut.adapters.store.schema import kept_texts

# Clocks of two processes, or of a simulated cluster, may differ; a day more costs a few rows.
_LONG_BEFORE = timedelta(days=1)


class SqlShelf:
    """One row a key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, key: str, *, now: datetime) -> str | None:
        """The text that was put there, None where there is none or its time is over."""
        wanted = select(kept_texts.c.text).where(kept_texts.c.key == key, kept_texts.c.until > now)
        return await self._database.read(lambda connection: connection.scalars(wanted).one_or_none())

    async def put(self, key: str, text: str, *, until: datetime) -> None:
        """Keeps the text; one of the same key goes, and so do those whose time was over long before."""

        def work(connection: Connection) -> None:
            connection.execute(delete(kept_texts).where(kept_texts.c.until < until - _LONG_BEFORE))
            statement = insert_into(kept_texts, connection).values(key=key, text=text, until=until)
            fresh = {"text": statement.excluded.text, "until": statement.excluded.until}
            connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=fresh))

        await self._database.write(work)
