"""Patterns in the database that is there anyway, compared in memory.

A vector is a BLOB of float32 beside the rest of its pattern. The newest patterns of an embedder are also one numpy
matrix, so a search is one product: exact, and faster than an index up to a hundred thousand rows. Every search first
reads the rows that were written since the last one, by this process or another, so all processes on one database
find the same patterns.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection, Engine, select

from kubernaut.adapters.blas import use_one_thread
from kubernaut.adapters.store.schema import patterns
from kubernaut.adapters.vectors.matrix import Facts, Floats, VectorMatrix
from kubernaut.adapters.vectors.rows import FLOAT
from kubernaut.adapters.vectors.sql import SqlPatterns
from kubernaut.domain.errors import InputError
from kubernaut.domain.learning import Recalled
from kubernaut.ports import PatternFilter
from kubernaut.ports.patterns import ANY

_PAGE = 1000


class EmbeddedPatterns(SqlPatterns):
    """Patterns of one database; the newest `capacity` of each embedder are kept in memory (1.5 KiB each at 384)."""

    def __init__(self, engine: Engine, *, capacity: int = 20_000) -> None:
        use_one_thread()
        super().__init__(engine, patterns)
        self._capacity = capacity
        self._lock = threading.Lock()
        self._matrices: dict[str, VectorMatrix] = {}

    async def nearest(
        self, vector: Sequence[float], *, embedder: str, limit: int = 5, where: PatternFilter = ANY
    ) -> list[Recalled]:
        """The most alike patterns of that embedder, best first, with their cosine likeness."""
        asked = np.asarray(vector, dtype=np.float32)

        def work(connection: Connection) -> list[Recalled]:
            # Searches come from several threads, and catching up writes to the matrix.
            with self._lock:
                return self._search(connection, asked, embedder, limit, where)

        return await self._read(work)

    def _search(
        self, connection: Connection, vector: Floats, embedder: str, limit: int, where: PatternFilter
    ) -> list[Recalled]:
        matrix = self._matrix(connection, embedder)
        if matrix is None:
            return []
        if matrix.dimension != len(vector):
            raise InputError(f"{embedder} has {matrix.dimension} dimensions, the vector has {len(vector)}")
        _catch_up(connection, embedder, matrix, self._capacity)
        while True:
            found = matrix.nearest(vector, limit, where)
            known = self._rows.of_ids(connection, [name for name, _ in found])
            # Another process may have deleted a pattern, or stored it again under another embedder.
            gone = [name for name, _ in found if name not in known or known[name].embedder != embedder]
            if not gone:
                return [Recalled(known[name], likeness) for name, likeness in found]
            for name in gone:
                matrix.drop(name)

    def _matrix(self, connection: Connection, embedder: str) -> VectorMatrix | None:
        """The embedder's; None while it has no pattern."""
        if embedder not in self._matrices:
            dimension = self._rows.dimension(connection, embedder)
            if dimension is None:
                return None
            self._matrices[embedder] = VectorMatrix(dimension, capacity=self._capacity)
        return self._matrices[embedder]


def _catch_up(connection: Connection, embedder: str, matrix: VectorMatrix, capacity: int) -> None:
    newest = (
        select(patterns.c.seq)
        .where(patterns.c.embedder == embedder, patterns.c.seq > matrix.seen)
        .order_by(patterns.c.seq.desc())
        .limit(capacity)
        .subquery()
    )
    shown = (patterns.c.cause, patterns.c.namespace, patterns.c.ending, patterns.c.at)
    query = (
        select(patterns.c.seq, patterns.c.id, patterns.c.vector, *shown)
        .where(patterns.c.seq.in_(select(newest.c.seq)))
        .order_by(patterns.c.seq)
        .execution_options(yield_per=_PAGE)
    )
    for seq, name, content, *facts in connection.execute(query):
        vector = np.frombuffer(content, dtype=FLOAT)
        # A row of another length was written by another model under the same name; it can be compared with nothing.
        if len(vector) == matrix.dimension:
            matrix.put(name, vector, Facts(*facts))
        matrix.seen = seq
