"""Which patterns another store does not know yet: rows that are written before the patterns are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, Engine, delete, insert, select

from kubernaut.adapters.store.database import translated_errors
from kubernaut.adapters.store.schema import pattern_debts
from kubernaut.domain.incidents import IncidentId


class Debt(NamedTuple):
    """One pattern that was written, or deleted where `dropped`. A number is never given twice."""

    seq: int
    pattern: IncidentId
    dropped: bool


class Debts(Protocol):
    """What is owed to the other store. What `owe` returned for survives the process."""

    async def owe(self, ids: Sequence[IncidentId], *, dropped: bool) -> list[int]:
        """Notes that those patterns are about to change; the numbers of the notes."""

    async def owed(self, limit: int) -> list[Debt]:
        """The oldest debts."""

    async def paid(self, numbers: Sequence[int]) -> None:
        """Strikes those notes, and none that was made since."""


class MemoryDebts:
    """Forgets everything with the process."""

    def __init__(self) -> None:
        self._debts: dict[int, Debt] = {}
        self._last = 0

    async def owe(self, ids: Sequence[IncidentId], *, dropped: bool) -> list[int]:
        """Notes that those patterns are about to change."""
        first = self._last + 1
        for name in ids:
            self._last += 1
            self._debts[self._last] = Debt(self._last, name, dropped)
        return list(range(first, self._last + 1))

    async def owed(self, limit: int) -> list[Debt]:
        """The oldest debts."""
        return list(self._debts.values())[:limit]

    async def paid(self, numbers: Sequence[int]) -> None:
        """Strikes those notes."""
        for number in numbers:
            self._debts.pop(number, None)


class SqlDebts:
    """In the database of the embedded store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(kubernaut_writes=True)

    async def owe(self, ids: Sequence[IncidentId], *, dropped: bool) -> list[int]:
        """Notes that those patterns are about to change."""

        def work(connection: Connection) -> list[int]:
            note = insert(pattern_debts).returning(pattern_debts.c.seq)
            return [connection.execute(note.values(pattern=name, dropped=dropped)).scalar_one() for name in ids]

        return await asyncio.to_thread(self._write, work)

    async def owed(self, limit: int) -> list[Debt]:
        """The oldest debts."""
        query = select(pattern_debts).order_by(pattern_debts.c.seq).limit(limit)

        def work() -> list[Debt]:
            with translated_errors(), self._engine.connect() as connection:
                return [Debt(row.seq, IncidentId(row.pattern), row.dropped) for row in connection.execute(query)]

        return await asyncio.to_thread(work)

    async def paid(self, numbers: Sequence[int]) -> None:
        """Strikes those notes."""

        def work(connection: Connection) -> list[int]:
            connection.execute(delete(pattern_debts).where(pattern_debts.c.seq.in_(numbers)))
            return []

        await asyncio.to_thread(self._write, work)

    def _write(self, work: Callable[[Connection], list[int]]) -> list[int]:
        with translated_errors(), self._writing.begin() as connection:
            return work(connection)
