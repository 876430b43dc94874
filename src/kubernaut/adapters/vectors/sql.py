"""What a pattern store does the same on every SQL database: all but finding the nearest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Engine, Table, func, select

from kubernaut.adapters.store.database import translated_errors
from kubernaut.adapters.vectors.rows import PatternRows
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern
from kubernaut.domain.lifecycle import Ending
from kubernaut.ports import PatternFilter
from kubernaut.ports.patterns import ANY

T = TypeVar("T")

# Any number that no other part of the program locks on.
_WRITERS = 0x7061_7474


class SqlPatterns:
    """Patterns in one table. Each call is one transaction on a thread."""

    def __init__(self, engine: Engine, table: Table) -> None:
        self._engine = engine
        # SQLite has to be told before the first statement that a transaction is going to write.
        self._writing = engine.execution_options(kubernaut_writes=True)
        self._rows = PatternRows(table)

    async def add(self, patterns: Sequence[Pattern]) -> None:
        """Stores the patterns; one of an id that is there replaces it."""
        await self._write(lambda connection: self._rows.put(connection, patterns))

    async def set_outcome(self, pattern: IncidentId, ending: Ending) -> bool:
        """Corrects how it ended; False where there is no such pattern."""
        return await self._write(lambda connection: self._rows.correct(connection, pattern, ending))

    async def delete(self, ids: Sequence[IncidentId]) -> int:
        """Forgets those patterns; how many there were."""
        return await self._write(lambda connection: self._rows.drop(connection, ids))

    async def get(self, ids: Sequence[IncidentId]) -> list[Pattern]:
        """Those of the ids that are there."""
        found = await self._read(lambda connection: self._rows.of_ids(connection, ids))
        return [found[name] for name in ids if name in found]

    async def page(self, *, after: str = "", limit: int = 500) -> list[Pattern]:
        """The patterns whose id follows `after`, in the database's order of ids."""
        return await self._read(lambda connection: self._rows.page(connection, after, limit))

    async def newest(self, *, where: PatternFilter = ANY, limit: int = 50) -> list[Pattern]:
        """The patterns that finished last, newest first."""
        return await self._read(lambda connection: self._rows.newest(connection, where, limit))

    async def count(self, *, embedder: str = "", where: PatternFilter = ANY) -> int:
        """How many there are, of one embedder or of all."""
        return await self._read(lambda connection: self._rows.count(connection, where, embedder))

    async def _read(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self._reading_here, work)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self._writing_here, work)

    def _reading_here(self, work: Callable[[Connection], T]) -> T:
        with translated_errors(), self._engine.connect() as connection:
            return work(connection)

    def _writing_here(self, work: Callable[[Connection], T]) -> T:
        with translated_errors(), self._writing.begin() as connection:
            # Numbers are then committed in their order, and a reader that goes on from the last it saw passes none
            # by. SQLite has one writer by itself.
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_WRITERS)))
            return work(connection)
