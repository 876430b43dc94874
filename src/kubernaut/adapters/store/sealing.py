"""The hash chain on a database: how an event is linked to the one before, and how the log is read to check it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Text, bindparam, cast, func, select, update

from kubernaut.adapters.store.database import Database
from kubernaut.adapters.store.schema import events
from kubernaut.domain.chain import GENESIS, Checked, Recorded, check, link

# The SQLite function that a connection of ours has: `domain.chain.link`. PostgreSQL has all it needs for the same.
LINK = "kubernaut_link"
_PAGE = 1000


def linked(before: ColumnElement[str], digest: ColumnElement[str], dialect: str) -> ColumnElement[str]:
    """`domain.chain.link` as SQL, so that an append needs no round trip more."""
    if dialect == "sqlite":
        return getattr(func, LINK)(before, digest)  # type: ignore[no-any-return]  # a function of any name
    both = cast(before, Text) + cast(digest, Text)
    # The same bytes as in Python: both are ASCII in hex, so the encoding of the database does not matter.
    return func.encode(func.sha256(func.convert_to(both, "UTF8")), "hex")


def recorded(connection: Connection, *, after: int) -> list[Recorded]:
    """The next page of the log, in the order of commits; empty at its end."""
    query = select(events).where(events.c.seq > after).order_by(events.c.seq).limit(_PAGE)
    return [_recorded(row) for row in connection.execute(query)]


def seal_all(connection: Connection) -> None:
    """Gives every event its hash: those of a database that had none."""
    head = GENESIS
    set_hash = update(events).where(events.c.seq == bindparam("which")).values(hash=bindparam("link"))
    after = 0
    while page := recorded(connection, after=after):
        for event in page:
            head, after = link(head, event.digest), event.seq
            connection.execute(set_hash, {"which": event.seq, "link": head})


class SqlEventLog:
    """The whole log as it is stored, for those who check it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def recorded(self, *, after: int = 0) -> AsyncIterator[list[Recorded]]:
        """The log behind that event, a page at a time: no transaction stays open over all of it."""
        while page := await self._database.read(partial(recorded, after=after)):
            yield page
            after = page[-1].seq

    async def checked(self, *, expected_head: str = "", since: Checked | None = None) -> Checked:
        """What a walk along the chain finds: the whole of it, or what came after an earlier walk."""
        state = since or Checked(passed_head=not expected_head)
        async for page in self.recorded(after=state.last_seq):
            # Hashing a page takes milliseconds that the event loop does not have.
            state = await asyncio.to_thread(check, page, expected_head=expected_head, since=state)
            if not state.is_whole:
                break
        return state


def _recorded(row: Row[Any]) -> Recorded:
    return Recorded(row.seq, row.incident, row.key, row.kind, row.at, row.about, row.phase, row.body, row.hash)
