"""The inbox on a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, delete, func, select, update

from kubernaut.adapters.store.database import Database
from kubernaut.adapters.store.group_commit import GroupCommit
from kubernaut.adapters.store.inbox_writer import Cells, InboxWriter
from kubernaut.adapters.store.rows import searchable, signal_of, to_json
from kubernaut.adapters.store.schema import signals
from kubernaut.domain.signals import Signal, SignalId
from kubernaut.ports import Backlog

_WAITING = select(signals.c.body).where(signals.c.state == "waiting").order_by(signals.c.seq).limit(bindparam("most"))

_BACKLOG = select(func.count(), func.min(signals.c.received_at)).where(signals.c.state == "waiting")


class SqlSignalStore:
    """Accepted signals, committed in groups."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_sqlite = database.engine.dialect.name == "sqlite"
        self._writer = InboxWriter(database)
        self._commits = GroupCommit(self._insert)

    async def accept(self, signals: Sequence[Signal]) -> None:
        """Commits all of them or raises `StoreUnavailable`."""
        if not signals:
            return
        # Encoded here, before the group: a value that has no JSON form is its sender's error and nobody else's.
        rows = [self._cells(signal) for signal in signals]
        await self._commits.commit(rows, size=sum(len(body) for *_, body in rows))

    async def waiting(self, limit: int) -> list[Signal]:
        """Accepted signals that no incident has taken yet, oldest first."""

        def work(connection: Connection) -> list[Signal]:
            return [signal_of(body) for body in connection.scalars(_WAITING, {"most": limit})]

        return await self._database.read(work)

    async def set_aside(self, signal: SignalId, *, reason: str, at: datetime) -> None:
        """Marks a signal that opens nothing with its reason; one that an incident took stays with it."""

        def work(connection: Connection) -> None:
            connection.execute(
                update(signals)
                # Two processes may look at the same signal; whoever gave it to an incident was right.
                .where(signals.c.id == signal, signals.c.incident.is_(None))
                .values(state="aside", reason=searchable(reason), set_aside_at=at)
            )

        await self._database.write(work)

    async def prune(self, before: datetime, *, limit: int) -> int:
        """Forgets the oldest signals received before then and before any that still waits."""

        def work(connection: Connection) -> int:
            is_waiting = signals.c.state == "waiting"
            first_waiting = connection.scalar(select(func.min(signals.c.received_at)).where(is_waiting))
            # A firing that still waits may have been resolved since, which only later signals tell: they stay as long
            # as it waits.
            cut = min(before, first_waiting) if first_waiting else before
            # The oldest are looked at first and alone: where none is old enough, the table is not searched.
            oldest = (
                select(signals.c.seq, signals.c.received_at).where(~is_waiting).order_by(signals.c.seq).limit(limit)
            ).subquery()
            old = select(oldest.c.seq).where(oldest.c.received_at < cut)
            return connection.execute(delete(signals).where(signals.c.seq.in_(old))).rowcount

        return await self._database.write(work)

    async def backlog(self) -> Backlog:
        """How many signals wait, and since when the oldest does."""

        def work(connection: Connection) -> Backlog:
            waiting, oldest = connection.execute(_BACKLOG).one()
            return Backlog(waiting, oldest)

        return await self._database.read(work)

    def close(self) -> None:
        """Commits what is waiting and ends the writer."""
        self._commits.close()
        self._writer.drop()

    def _insert(self, rows: list[Cells]) -> None:
        with self._database.metered("inbox"):
            self._writer.insert(rows)

    def _cells(self, signal: Signal) -> Cells:
        # In the order of `inbox_writer.COLUMNS`, the time as the column type `Moment` writes it.
        received_at = signal.received_at.astimezone(UTC).isoformat(" ", "microseconds")
        if self._is_sqlite:
            received_at = received_at.removesuffix("+00:00")
        return (signal.id, signal.alert_key, signal.firing, received_at, to_json(signal))
