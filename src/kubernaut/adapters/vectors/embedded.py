"""Patterns in the database that is there anyway, compared in memory.

A vector is a BLOB of float32 beside the rest of its pattern. The newest patterns of an embedder are also one numpy
matrix, so a search is one product: exact, and faster than an index up to a hundred thousand rows. Every search first
reads the rows that were written since the last one, by this process or another, so all processes on one database
find the same patterns.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from kubernaut.adapters.blas import use_one_thread
from kubernaut.adapters.vectors.matrix import Floats, VectorMatrix
from kubernaut.domain.errors import InputError, StoreUnavailable
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern, Recalled
from kubernaut.domain.lifecycle import Ending

metadata = MetaData()
patterns = Table(
    "patterns",
    metadata,
    # SQLite numbers rows by itself only where the key is called INTEGER.
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("text", Text, nullable=False),
    Column("cause", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("ending", String(32), nullable=False),
    Column("seconds", Float, nullable=False),
    Column("at", Float, nullable=False),
    Column("embedder", String(64), nullable=False),
    Column("vector", LargeBinary, nullable=False),
    # A number is never given twice, also not after the newest row was replaced: readers go on from the last they saw.
    sqlite_autoincrement=True,
)

_FLOAT = np.dtype("<f4")
_PAGE = 1000
# Any number that no other part of the program locks on.
_WRITERS = 0x7061_7474


class EmbeddedPatterns:
    """Patterns of one database; the newest `capacity` of each embedder are kept in memory (1.5 KiB each at 384)."""

    def __init__(self, engine: Engine, *, capacity: int = 20_000) -> None:
        use_one_thread()
        self._engine = engine
        # SQLite has to be told before the first statement that a transaction is going to write.
        self._writing = engine.execution_options(kubernaut_writes=True)
        self._capacity = capacity
        self._lock = threading.Lock()
        self._matrices: dict[str, VectorMatrix] = {}
        self._table_is_there = False

    async def add(self, pattern: Pattern) -> None:
        """Stores or replaces the pattern of that id."""
        await asyncio.to_thread(self._add, pattern)

    async def is_empty(self, *, embedder: str) -> bool:
        """Whether there is no pattern of that embedder."""
        return await asyncio.to_thread(self._is_empty, embedder)

    async def nearest(self, vector: Sequence[float], *, embedder: str, limit: int = 5) -> list[Recalled]:
        """The most alike patterns of that embedder, best first, with their cosine likeness."""
        return await asyncio.to_thread(self._nearest, np.asarray(vector, dtype=np.float32), embedder, limit)

    def _add(self, pattern: Pattern) -> None:
        try:
            self._create_missing_table()
            with self._writing.begin() as connection:
                _write(connection, pattern)
        except SQLAlchemyError as error:
            raise StoreUnavailable(f"storing the pattern of {pattern.id}") from error

    def _is_empty(self, embedder: str) -> bool:
        query = select(patterns.c.seq).where(patterns.c.embedder == embedder).limit(1)
        try:
            self._create_missing_table()
            with self._engine.connect() as connection:
                return connection.execute(query).first() is None
        except SQLAlchemyError as error:
            raise StoreUnavailable("looking for patterns") from error

    def _nearest(self, vector: Floats, embedder: str, limit: int) -> list[Recalled]:
        try:
            self._create_missing_table()
            with self._lock, self._engine.connect() as connection:
                matrix = self._matrices.setdefault(embedder, VectorMatrix(len(vector), capacity=self._capacity))
                if matrix.dimension != len(vector):
                    raise InputError(f"{embedder} has {matrix.dimension} dimensions, the vector has {len(vector)}")
                _catch_up(connection, embedder, matrix, self._capacity)
                found = matrix.nearest(vector, limit)
                rows = _read(connection, embedder, [name for name, _ in found])
        except SQLAlchemyError as error:
            raise StoreUnavailable("searching the patterns") from error
        return [Recalled(_pattern(rows[name]), likeness) for name, likeness in found if name in rows]

    def _create_missing_table(self) -> None:
        if not self._table_is_there:
            with self._writing.begin() as connection:
                _one_writer(connection)
                connection.execute(CreateTable(patterns, if_not_exists=True))
            self._table_is_there = True


def _one_writer(connection: Connection) -> None:
    # Numbers are then committed in their order, and a reader that goes on from the last it saw passes none by.
    # SQLite has one writer by itself.
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_WRITERS)))


def _write(connection: Connection, pattern: Pattern) -> None:
    _one_writer(connection)
    connection.execute(delete(patterns).where(patterns.c.id == pattern.id))
    connection.execute(
        insert(patterns).values(
            id=pattern.id,
            text=pattern.text,
            cause=pattern.cause,
            action=pattern.action,
            ending=pattern.ending.value,
            seconds=pattern.seconds,
            at=pattern.at.timestamp(),
            embedder=pattern.embedder,
            vector=np.asarray(pattern.vector, dtype=_FLOAT).tobytes(),
        )
    )


def _catch_up(connection: Connection, embedder: str, matrix: VectorMatrix, capacity: int) -> None:
    newest = (
        select(patterns.c.seq)
        .where(patterns.c.embedder == embedder, patterns.c.seq > matrix.seen)
        .order_by(patterns.c.seq.desc())
        .limit(capacity)
        .subquery()
    )
    query = (
        select(patterns.c.seq, patterns.c.id, patterns.c.vector)
        .where(patterns.c.seq.in_(select(newest.c.seq)))
        .order_by(patterns.c.seq)
        .execution_options(yield_per=_PAGE)
    )
    for seq, name, content in connection.execute(query):
        vector = np.frombuffer(content, dtype=_FLOAT)
        if len(vector) == matrix.dimension:
            matrix.put(name, vector)
        matrix.seen = seq


def _read(connection: Connection, embedder: str, names: Sequence[str]) -> dict[str, RowMapping]:
    # A pattern may have been stored again under another embedder; it is then no find any more.
    wanted = select(patterns).where(patterns.c.id.in_(names), patterns.c.embedder == embedder)
    rows = connection.execute(wanted).mappings()
    return {row["id"]: row for row in rows}


def _pattern(row: RowMapping) -> Pattern:
    return Pattern(
        id=IncidentId(row["id"]),
        text=row["text"],
        cause=row["cause"],
        action=row["action"],
        ending=Ending(row["ending"]),
        seconds=row["seconds"],
        at=datetime.fromtimestamp(row["at"], UTC),
        embedder=row["embedder"],
        vector=tuple(np.frombuffer(row["vector"], dtype=_FLOAT).tolist()),
    )
