"""The insert behind every acknowledged alert, on a connection of its own and on the bare driver.

SQLAlchemy's transaction around one statement takes more of the interpreter than parsing ten alerts does, and the event
loop waits for it. And one statement carries many rows: a statement a row would make this thread and the event loop hand
the interpreter to each other once a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from typing import TypeAlias

from sqlalchemy import PoolProxiedConnection
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import SQLAlchemyError

from kubernaut.adapters.store.database import Database, first_line
from kubernaut.domain.errors import StoreUnavailable

Cells: TypeAlias = tuple[str, str, bool, str, str]

COLUMNS = ("id", "alert_key", "firing", "received_at", "body")
# Five values a row, far below the 32,766 that SQLite takes in a statement.
_ROWS_A_STATEMENT = 500


class InboxWriter:
    """Inserts new signals; a row whose id is there already changes nothing, so a group can be tried again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect = database.engine.dialect
        self._is_sqlite = dialect.name == "sqlite"
        self._mark, self._begin = ("?", "BEGIN IMMEDIATE") if self._is_sqlite else ("%s", "BEGIN")
        self._driver_error: type[Exception] = dialect.loaded_dbapi.Error
        self._connection: PoolProxiedConnection | None = None

    def insert(self, rows: Sequence[Cells]) -> None:
        """Commits all rows or raises `StoreUnavailable`."""
        reused = self._connection is not None
        try:
            self._try_insert(rows)
        except (SQLAlchemyError, self._driver_error) as error:
            self.drop()
            if reused and not self._is_sqlite and self._was_cut(error):
                # The server was restarted since the last alert: that is no reason to refuse this one.
                # Once only: the second try is on a fresh connection, and its failure is reported.
                self.insert(rows)
                return
            raise StoreUnavailable(first_line(error)) from error

    def drop(self) -> None:
        """Closes the connection, and with it whatever was begun on it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # What is closed is broken already; its complaint tells nothing that the first error did not.
            with suppress(SQLAlchemyError, self._driver_error):
                connection.invalidate()
            connection.close()

    def _try_insert(self, rows: Sequence[Cells]) -> None:
        cursor = self._cursor()
        chunks = [rows[start : start + _ROWS_A_STATEMENT] for start in range(0, len(rows), _ROWS_A_STATEMENT)]
        with self._database.turn:
            # One statement is a transaction by itself, which saves two of three turns with the event loop.
            if len(chunks) > 1:
                cursor.execute(self._begin)
            for chunk in chunks:
                cursor.execute(_insertion(self._mark, len(chunk)), tuple(chain.from_iterable(chunk)))
            if len(chunks) > 1:
                cursor.execute("COMMIT")
        cursor.close()

    def _cursor(self) -> DBAPICursor:
        if self._connection is None:
            self._connection = self._database.engine.raw_connection()
            driver = self._connection.driver_connection
            # SQLite's driver leaves transactions to us already (see `opening`).
            if driver is not None and not self._is_sqlite:
                # One statement is then one commit, without a round trip for BEGIN and one for COMMIT.
                driver.autocommit = True
        return self._connection.cursor()

    def _was_cut(self, error: Exception) -> bool:
        dialect = self._database.engine.dialect
        return isinstance(error, dialect.loaded_dbapi.Error) and dialect.is_disconnect(error, None, None)


@lru_cache(maxsize=_ROWS_A_STATEMENT)
def _insertion(mark: str, rows: int) -> str:
    row = f"({', '.join([mark] * len(COLUMNS))}, 'waiting', FALSE)"
    columns = ", ".join(COLUMNS)
    values = ", ".join([row] * rows)
    return (
        f"INSERT INTO signals ({columns}, state, opened) VALUES {values} "  # noqa: S608  # only marks
        "ON CONFLICT (id) DO NOTHING"
    )
