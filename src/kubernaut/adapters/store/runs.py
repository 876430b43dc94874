"""Runs, their journals and messages on a database.

Statements are text: what builds them anew for each of a run's dozen writes takes longer than the write.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, CursorResult, Row, TextClause, bindparam, text

from kubernaut.adapters.store.database import Database
from kubernaut.adapters.store.rows import searchable, to_json
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine.outcome import status_of
from kubernaut.engine.run import RunState, RunStatus
from kubernaut.engine.runs import Entry, Message, RunStore, StoredRun

_ALIVE, _CANCELLED = "alive", "cancelled"

# Each tells by a returned row whether it changed anything.
_BEGIN = """INSERT INTO runs (id, state, owner, begun, argument) VALUES (:run, 'alive', :owner, 1, :body)
    ON CONFLICT (id) DO NOTHING RETURNING id"""
# The lock on the run's row holds off a takeover until the commit; SQLite has one writer anyway.
_KEEP = """INSERT INTO run_entries (run, place, name, entry)
    SELECT id, CAST(:place AS INTEGER), CAST(:name AS TEXT), CAST(:body AS TEXT) FROM runs
    WHERE id = :run AND owner = :owner AND state = 'alive' <lock>
    ON CONFLICT (run, place) DO NOTHING RETURNING run"""
_FINISH = """UPDATE runs SET state = 'done', result = :body
    WHERE id = :run AND owner = :owner AND state = 'alive' RETURNING id"""
_CANCEL = "UPDATE runs SET state = 'cancelled' WHERE id = :run AND state = 'alive' RETURNING id"
_FORGET = ("DELETE FROM run_entries WHERE run = :run", "DELETE FROM run_messages WHERE run = :run")
# A key that is NULL equals no other one, so messages without a key are never taken for a repetition.
_POST = """INSERT INTO run_messages (run, topic, key, payload) VALUES (:run, :topic, :key, :body)
    ON CONFLICT (run, topic, key) DO NOTHING"""
# `owner = :of` makes it a compare-and-swap: of two sweepers that want the same run, one gets no row.
_TAKE = """UPDATE runs SET owner = :by, begun = begun + 1
    WHERE id IN :ids AND owner = :of AND state = 'alive' RETURNING id, argument, begun"""
_UNFINISHED = "SELECT id FROM runs WHERE state = 'alive' ORDER BY seq"
_UNFINISHED_OF = "SELECT id FROM runs WHERE state = 'alive' AND owner = :owner ORDER BY seq"
_WORDS = {"sqlite": {"<lock>": ""}, "postgresql": {"<lock>": "FOR SHARE"}}
# Ids in one statement: SQLite takes 32,766 values, and a plan for so many is dear on PostgreSQL.
_AT_ONCE = 500


class SqlRuns(RunStore):
    """Writes of many runs share a commit, so a hundred steps that end together cost the disk one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, run_id: str, argument: JsonObject, *, owner: str) -> bool:
        """Stores a new run; False where there is one of that id."""
        body = to_json(argument)
        values: dict[str, object] = {"run": run_id, "owner": owner, "body": body}
        return await self._database.write_together(
            lambda connection: _changes(connection, _BEGIN, values), size=len(body)
        )

    async def keep(self, run_id: str, place: int, entry: Entry, *, owner: str) -> bool:
        """Stores the entry; False where the run is not the owner's, has ended, or has an entry there."""
        body = to_json(entry.body)
        values: dict[str, object] = {"run": run_id, "place": place, "name": entry.name, "body": body, "owner": owner}
        return await self._database.write_together(
            lambda connection: _changes(connection, _KEEP, values), size=len(body)
        )

    async def finish(self, run_id: str, result: JsonObject, *, owner: str) -> bool:
        """Ends the run and lets its journal and messages go; False where the run is not the owner's or has ended."""
        body = to_json(result)
        return await self._end(_FINISH, {"run": run_id, "owner": owner, "body": body}, len(body))

    async def cancel(self, run_id: str) -> None:
        """Ends the run, unless it has ended."""
        await self._end(_CANCEL, {"run": run_id}, 0)

    async def journal(self, run_id: str) -> list[Entry]:
        """The entries in their order."""
        query = "SELECT name, entry FROM run_entries WHERE run = :run ORDER BY place"
        return [Entry(row.name, msgspec.json.decode(row.entry)) for row in await self._rows(query, run=run_id)]

    async def post(self, run_id: str, topic: str, payload: Json, *, key: str) -> bool:
        """Stores a message, once a key where that is not empty; False where there is no such run."""
        body = to_json(payload)
        values: dict[str, object] = {"run": run_id, "topic": topic, "key": searchable(key) or None, "body": body}

        def work(connection: Connection) -> bool:
            state = _execute(connection, "SELECT state FROM runs WHERE id = :run", {"run": run_id}).scalar_one_or_none()
            # Nobody reads what comes after the end.
            if state == _ALIVE:
                _execute(connection, _POST, values)
            return state is not None

        return await self._database.write_together(work, size=len(body))

    async def messages(self, run_id: str, topic: str) -> list[Message]:
        """All messages of that topic, oldest first, received ones too."""
        query = "SELECT seq, payload FROM run_messages WHERE run = :run AND topic = :topic ORDER BY seq"
        rows = await self._rows(query, run=run_id, topic=topic)
        return [Message(row.seq, msgspec.json.decode(row.payload)) for row in rows]

    async def posted(self, *, after: int) -> list[tuple[int, str]]:
        """`seq` and run of the messages behind that one."""
        rows = await self._rows("SELECT seq, run FROM run_messages WHERE seq > :after", after=after)
        return [(row.seq, row.run) for row in rows]

    async def status(self, run_id: str) -> RunStatus:
        """The run as it is stored."""
        rows = await self._rows("SELECT state, result FROM runs WHERE id = :run", run=run_id)
        return _status(run_id, rows[0].state, rows[0].result) if rows else RunStatus(run_id, RunState.UNKNOWN)

    async def owner(self, run_id: str) -> str:
        """The process that may act for the run; empty where none may."""
        rows = await self._rows("SELECT owner FROM runs WHERE id = :run AND state = 'alive'", run=run_id)
        return str(rows[0].owner) if rows else ""

    async def unfinished(self, owner: str = "") -> list[str]:
        """The runs that have not ended, oldest first; those of one owner where it is named."""
        rows = await self._rows(_UNFINISHED_OF if owner else _UNFINISHED, owner=owner)
        return [row.id for row in rows]

    async def take(self, run_ids: Collection[str], *, of: str, by: str) -> list[StoredRun]:
        """Makes those that are `of`'s and have not ended `by`'s, and counts the beginning."""
        statement = text(_TAKE).bindparams(bindparam("ids", expanding=True))
        # In chunks, but in one transaction: either all of a dead process are taken, or none.
        wanted = list(run_ids)
        chunks = [wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE)]

        def work(connection: Connection) -> list[StoredRun]:
            taken = (connection.execute(statement, {"ids": chunk, "of": of, "by": by}) for chunk in chunks)
            return [
                StoredRun(row.id, msgspec.json.decode(row.argument), row.begun) for result in taken for row in result
            ]

        return await self._database.write(work)

    async def _end(self, statement: str, values: dict[str, object], size: int) -> bool:
        def work(connection: Connection) -> bool:
            if not _changes(connection, statement, values):
                return False
            # An ended run is never replayed, and journals would outgrow everything else in the database.
            for forgetting in _FORGET:
                _execute(connection, forgetting, {"run": values["run"]})
            return True

        return await self._database.write_together(work, size=size)

    async def _rows(self, query: str, **values: object) -> Sequence[Row[Any]]:
        return await self._database.read(lambda connection: _execute(connection, query, values).all())


@lru_cache(maxsize=64)
def _text(dialect: str, statement: str) -> TextClause:
    for word, meaning in _WORDS[dialect].items():
        statement = statement.replace(word, meaning)
    return text(statement)


def _execute(connection: Connection, statement: str, values: dict[str, object]) -> CursorResult[Any]:
    return connection.execute(_text(connection.dialect.name, statement), values)


def _changes(connection: Connection, statement: str, values: dict[str, object]) -> bool:
    return _execute(connection, statement, values).first() is not None


def _status(run_id: str, state: str, result: str | None) -> RunStatus:
    if state == _ALIVE:
        return RunStatus(run_id, RunState.ALIVE)
    if state == _CANCELLED or result is None:
        return RunStatus(run_id, RunState.CANCELLED)
    return status_of(run_id, msgspec.json.decode(result))
