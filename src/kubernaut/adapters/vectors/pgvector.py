"""Patterns in PostgreSQL with the extension pgvector, found by an HNSW index.

One table for all embedders. Each embedder has an index of its own, since an index holds vectors of one dimension.

A search narrowed to few patterns compares all of those, which is exact and takes milliseconds; one narrowed to many
goes on through the HNSW index until it has enough (iterative scan, pgvector 0.8). Which it is, we decide by counting:
the planner holds the HNSW index for cheaper even where one pattern of eighty matches, and reads 20,000 pages of it.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Dialect,
    Engine,
    Float,
    Function,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    cast,
    event,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import UserDefinedType

from kubernaut.adapters.store.opening import open_engine
from kubernaut.adapters.vectors.rows import FLOAT, conditions, pattern_of
from kubernaut.adapters.vectors.sql import SqlPatterns, T
from kubernaut.domain.errors import InputError, SettingsError, StoreError
from kubernaut.domain.learning import Pattern, Recalled
from kubernaut.ports import PatternFilter
from kubernaut.ports.patterns import ANY

# Compared one by one up to here; beyond, the HNSW index is the faster way.
MOST_COMPARED = 4000
# What an HNSW index takes. Vectors of more dimensions are compared one by one.
_MOST_INDEXED = 2000
_SETUP_LOCK = 7_305_612_007
# Undefined file or function, insufficient privilege, feature not supported: there is no pgvector to be had.
_NO_EXTENSION = frozenset({"58P01", "42501", "0A000"})
# The header of a vector on the wire: its dimension and an unused number, 16 bits each.
_HEADER = 4


class _Vector(UserDefinedType[bytes]):
    """`vector`, as float32 in our byte order on this side."""

    cache_ok = True  # type: ignore[mutable-override]  # as SQLAlchemy asks for

    def get_col_spec(self, **_: object) -> str:
        """Of any dimension: each row's vector knows its own."""
        return "vector"

    def bind_processor(self, dialect: Dialect) -> Callable[[bytes | None], str]:  # noqa: ARG002
        """Bytes to the text that pgvector parses."""
        return lambda value: as_text(np.frombuffer(value or b"", dtype=FLOAT))

    def column_expression(self, colexpr: ColumnElement[bytes]) -> Function[bytes]:
        """Read in binary, which is exact and a tenth of the work."""
        return func.vector_send(colexpr, type_=self)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[bytes], bytes]:  # noqa: ARG002
        """Big-endian to ours."""
        return lambda value: np.frombuffer(value, dtype=">f4", offset=_HEADER).astype(FLOAT).tobytes()


metadata = MetaData()
table = Table(
    "kubernaut_patterns",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("text", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("ending", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("at", Float, nullable=False),
    Column("embedder", Text, nullable=False),
    Column("vector", _Vector, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Index("kubernaut_patterns_cause_at", "embedder", "cause", "at"),
    Index("kubernaut_patterns_namespace_at", "embedder", "namespace", "at"),
    Index("kubernaut_patterns_at", "at"),
)


class PgvectorPatterns(SqlPatterns):
    """Patterns of one database that has the extension, or lets this account create it."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, table)
        event.listen(engine, "connect", _prepare)
        self._setting_up = threading.Lock()
        self._is_set_up = False
        self._indexed: set[str] = set()

    @classmethod
    def opened(cls, url: str) -> PgvectorPatterns:
        """The patterns at `postgresql://…`; nothing is connected yet."""
        if not url.startswith("postgresql://"):
            raise SettingsError("pgvector needs a URL that starts with postgresql://", help="memory.url")
        return cls(open_engine(url))

    async def add(self, patterns: Sequence[Pattern]) -> None:
        """Stores the patterns; one of an id that is there replaces it."""

        def work(connection: Connection) -> None:
            for embedder, dimension in {(each.embedder, each.dimension) for each in patterns}:
                self._index(connection, embedder, dimension)
            self._rows.put(connection, patterns)

        await self._write(work)
        self._indexed |= {each.embedder for each in patterns}

    async def nearest(
        self, vector: Sequence[float], *, embedder: str, limit: int = 5, where: PatternFilter = ANY
    ) -> list[Recalled]:
        """The most alike patterns of that embedder, best first, with their cosine likeness."""

        def work(connection: Connection) -> list[Recalled]:
            dimension = self._rows.dimension(connection, embedder)
            if dimension is None or limit < 1:
                return []
            if dimension != len(vector):
                raise InputError(f"{embedder} has {dimension} dimensions, the vector has {len(vector)}")
            return _nearest(connection, vector, embedder, limit, where)

        return await self._read(work)

    async def aclose(self) -> None:
        """Gives the connections back."""
        self._engine.dispose()

    def _index(self, connection: Connection, embedder: str, dimension: int) -> None:
        """Makes the embedder's index where it is missing; building it over what is there may take a while."""
        if embedder in self._indexed or dimension > _MOST_INDEXED:
            return
        name = f"kubernaut_patterns_{hashlib.sha256(embedder.encode()).hexdigest()[:12]}"
        quoted = embedder.replace("'", "''")
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        # A graph of a hundred thousand vectors that does not fit is built ten times as slowly.
        connection.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
        connection.exec_driver_sql(
            f"CREATE INDEX IF NOT EXISTS {name} ON kubernaut_patterns "
            f"USING hnsw ((vector::vector({int(dimension)})) vector_ip_ops) WHERE embedder = '{quoted}'"
        )

    def _reading_here(self, work: Callable[[Connection], T]) -> T:
        self._set_up()
        return super()._reading_here(work)

    def _writing_here(self, work: Callable[[Connection], T]) -> T:
        self._set_up()
        return super()._writing_here(work)

    def _set_up(self) -> None:
        with self._setting_up:
            if not self._is_set_up:
                with _explained():
                    super()._writing_here(_create)
                self._is_set_up = True


def as_text(vector: Sequence[float] | np.typing.NDArray[np.float32]) -> str:
    """A vector as pgvector parses it, exact to the last bit of a float32."""
    return f"[{','.join(map(repr, np.asarray(vector, dtype=np.float64).tolist()))}]"


def _nearest(
    connection: Connection, vector: Sequence[float], embedder: str, limit: int, where: PatternFilter
) -> list[Recalled]:
    narrowed = conditions(table, where, embedder=embedder)
    counted = select(literal_column("1")).select_from(table).where(*narrowed).limit(MOST_COMPARED + 1).subquery()
    few = connection.execute(select(func.count()).select_from(counted)).scalar_one() <= MOST_COMPARED
    # The index is on the vector cast to its dimension, a number of ours; written without the cast, it is out of reach.
    place: ColumnElement[bytes] = literal_column("vector" if few else f"(vector::vector({len(vector)}))")
    asked = cast(bindparam("asked", type_=Text), _Vector)
    distance: ColumnElement[float] = place.op("<#>", return_type=Float())(asked)
    near = (
        select(table.c.seq, distance.label("distance"))
        .where(*narrowed)
        .order_by(literal_column("distance"))
        .limit(limit)
        .subquery()
    )
    query = select(table, near.c.distance).join(near, near.c.seq == table.c.seq)
    rows = connection.execute(query, {"asked": as_text(vector)}).mappings().all()
    found = [Recalled(pattern_of(row), max(-1.0, min(1.0, -row["distance"]))) for row in rows]
    return sorted(found, key=lambda each: (-each.likeness, each.pattern.id))


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # Fifty are asked for at a time; of twice as many candidates too many of the nearest would be missing.
    cursor.execute("SET hnsw.ef_search = 200")
    # A name that an older pgvector does not know is dropped with a warning: it then finds fewer when narrowed.
    cursor.execute("SET hnsw.iterative_scan = 'strict_order'")
    # Compiling a query of a millisecond takes longer than to run it.
    cursor.execute("SET jit = off")
    cursor.close()
    connection.commit()


def _create(connection: Connection) -> None:
    connection.execute(select(func.pg_advisory_xact_lock(_SETUP_LOCK)))
    connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
    metadata.create_all(connection)
    # Tables of older versions have their indexes without the time.
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("DROP INDEX IF EXISTS kubernaut_patterns_cause, kubernaut_patterns_namespace"))
    for index in table.indexes:
        index.create(connection, checkfirst=True)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        cause = error.__cause__
        state = getattr(getattr(cause, "orig", None), "sqlstate", "") if isinstance(cause, SQLAlchemyError) else ""
        if state not in _NO_EXTENSION:
            raise
        raise SettingsError(
            f"this PostgreSQL has no pgvector for us: {error}",
            help="install the extension and run: CREATE EXTENSION vector\nor set memory.store to embedded",
        ) from error
