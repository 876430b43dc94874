"""The inbox on a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from kubernaut.adapters.store.database import Database
from kubernaut.adapters.store.group_commit import GroupCommit
from kubernaut.adapters.store.rows import Cells, insert_into, searchable, signal_cells, signal_of
from kubernaut.adapters.store.schema import signals
from kubernaut.domain.signals import Signal, SignalId


class SqlSignalStore:
    """Accepted signals, committed in groups."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._commits = GroupCommit(self._insert)

    async def accept(self, signals: Sequence[Signal]) -> None:
        """Commits all of them or raises `StoreUnavailable`."""
        if not signals:
            return
        rows = [signal_cells(signal) for signal in signals]
        await self._commits.commit(rows, size=sum(len(str(row["body"])) for row in rows))

    async def waiting(self, limit: int) -> list[Signal]:
        """Accepted signals that no incident has taken yet, oldest first."""

        def work(connection: Connection) -> list[Signal]:
            query = select(signals.c.body).where(signals.c.state == "waiting").order_by(signals.c.seq).limit(limit)
            return [signal_of(body) for body in connection.scalars(query)]

        return await self._database.read(work)

    async def set_aside(self, signal: SignalId, *, reason: str, at: datetime) -> None:
        """Marks a signal that opens nothing with its reason; one that an incident took stays with it."""

        def work(connection: Connection) -> None:
            connection.execute(
                update(signals)
                .where(signals.c.id == signal, signals.c.incident.is_(None))
                .values(state="aside", reason=searchable(reason), set_aside_at=at)
            )

        await self._database.write(work)

    def close(self) -> None:
        """Commits what is waiting and ends the writer."""
        self._commits.close()

    def _insert(self, rows: list[Cells]) -> None:
        def work(connection: Connection) -> None:
            connection.execute(insert_into(signals, connection).on_conflict_do_nothing(index_elements=["id"]), rows)

        self._database.write_here(work)
