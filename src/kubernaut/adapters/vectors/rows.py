"""Patterns as rows and back, and what every table of patterns answers, whatever finds the nearest in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import ColumnElement, Connection, Table, delete, func, insert, select
from sqlalchemy.engine import RowMapping

from kubernaut.adapters.store.rows import searchable, to_json
from kubernaut.domain.diagnosis import Parameter
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern
from kubernaut.domain.lifecycle import Ending
from kubernaut.ports import PatternFilter

FLOAT = np.dtype("<f4")
# Parameters in one statement: what every SQLite takes.
_AT_ONCE = 500


class _Body(msgspec.Struct):
    """What a pattern is neither found nor narrowed by."""

    kind: str = ""
    parameters: dict[str, Parameter] = {}
    features: tuple[str, ...] = ()
    tokens: int = 0


_body = msgspec.json.Decoder(_Body)


def cells(pattern: Pattern) -> dict[str, object]:
    """The columns of a pattern, but for the number that the database gives it."""
    body = _Body(pattern.kind, dict(pattern.parameters), pattern.features, pattern.tokens)
    return {
        "id": pattern.id,
        "text": searchable(pattern.text),
        "cause": searchable(pattern.cause),
        "action": searchable(pattern.action),
        "ending": pattern.ending.value,
        "seconds": pattern.seconds,
        "at": pattern.at.timestamp(),
        "embedder": pattern.embedder,
        "vector": np.asarray(pattern.vector, dtype=FLOAT).tobytes(),
        "namespace": searchable(pattern.namespace),
        "dimension": pattern.dimension,
        "body": to_json(body),
    }


def pattern_of(row: RowMapping | Mapping[str, Any], vector: Sequence[float] = ()) -> Pattern:
    """The pattern of a row; its vector may stand apart."""
    body = _body.decode(row["body"])
    return Pattern(
        id=IncidentId(row["id"]),
        text=row["text"],
        cause=row["cause"],
        action=row["action"],
        ending=Ending(row["ending"]),
        seconds=row["seconds"],
        at=datetime.fromtimestamp(row["at"], UTC),
        embedder=row["embedder"],
        vector=tuple(vector or np.frombuffer(row["vector"], dtype=FLOAT).tolist()),
        namespace=row["namespace"],
        kind=body.kind,
        parameters=body.parameters,
        features=body.features,
        tokens=body.tokens,
    )


def conditions(table: Table, where: PatternFilter, *, embedder: str = "") -> list[ColumnElement[bool]]:
    """The filter in SQL."""
    named = {"embedder": embedder, "cause": where.cause, "namespace": where.namespace, "ending": where.ending}
    found = [table.c[column] == str(word) for column, word in named.items() if word]
    if where.since is not None:
        found.append(table.c.at >= where.since.timestamp())
    return found


class PatternRows:
    """Statements on one table of patterns, each in the caller's transaction."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def put(self, connection: Connection, patterns: Iterable[Pattern]) -> None:
        """Stores or replaces: a replaced one gets a new number, by which other processes learn of it."""
        rows = list({pattern.id: cells(pattern) for pattern in patterns}.values())
        self.drop(connection, [str(row["id"]) for row in rows])
        if rows:
            connection.execute(insert(self.table), rows)

    def drop(self, connection: Connection, ids: Sequence[str]) -> int:
        """How many of them were there."""
        chunks = [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
        return sum(
            connection.execute(delete(self.table).where(self.table.c.id.in_(chunk))).rowcount for chunk in chunks
        )

    def correct(self, connection: Connection, name: str, ending: Ending) -> bool:
        """Writes the row anew with that ending; False where there is none."""
        query = select(self.table).where(self.table.c.id == name).with_for_update()
        row = connection.execute(query).mappings().one_or_none()
        if row is None:
            return False
        self.drop(connection, [name])
        changed = {key: value for key, value in row.items() if key != "seq"} | {"ending": ending.value}
        connection.execute(insert(self.table).values(changed))
        return True

    def of_ids(self, connection: Connection, ids: Sequence[str]) -> dict[str, Pattern]:
        """Those that are there, by their ids."""
        found = {}
        for start in range(0, len(ids), _AT_ONCE):
            query = select(self.table).where(self.table.c.id.in_(ids[start : start + _AT_ONCE]))
            found.update({row["id"]: pattern_of(row) for row in connection.execute(query).mappings()})
        return found

    def page(self, connection: Connection, after: str, limit: int) -> list[Pattern]:
        """Those whose id follows."""
        query = select(self.table).where(self.table.c.id > after).order_by(self.table.c.id).limit(limit)
        return [pattern_of(row) for row in connection.execute(query).mappings()]

    def newest(self, connection: Connection, where: PatternFilter, limit: int) -> list[Pattern]:
        """The last ones, newest first."""
        order = (self.table.c.at.desc(), self.table.c.id.desc())
        query = select(self.table).where(*conditions(self.table, where)).order_by(*order).limit(limit)
        return [pattern_of(row) for row in connection.execute(query).mappings()]

    def count(self, connection: Connection, where: PatternFilter, embedder: str) -> int:
        """How many match."""
        query = select(func.count()).select_from(self.table).where(*conditions(self.table, where, embedder=embedder))
        return connection.execute(query).scalar_one()

    def dimension(self, connection: Connection, embedder: str) -> int | None:
        """That of the embedder's vectors; None where there are none."""
        query = select(self.table.c.dimension).where(self.table.c.embedder == embedder).limit(1)
        return connection.execute(query).scalar_one_or_none()
