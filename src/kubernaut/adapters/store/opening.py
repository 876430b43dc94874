"""From a database URL to an engine that keeps what it commits."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import cast

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from kubernaut.adapters.store.sealing import LINK
from kubernaut.domain.chain import link
from kubernaut.domain.errors import SettingsError, StoreUnavailable

_HELP = "use sqlite:///path/to/file or postgresql://user:password@host:5432/database"
_BUSY_TIMEOUT_MS = 5000
# Four threads of the store, the writer of the inbox and the writer of groups.
_POOL = 6


def open_engine(url: str) -> Engine:
    """An engine on `sqlite:///path` (made with its directory where missing) or `postgresql://…`.

    Raises `SettingsError` for any other URL. Nothing is connected yet.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingsError("the database URL cannot be read", help=_HELP) from error
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(parsed)
        case "postgresql":
            return _postgres(parsed)
        case other:
            raise SettingsError(f"no store for {other!r} databases", help=_HELP)


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise SettingsError("the SQLite URL names no file, and what is kept in memory is not durable", help=_HELP)
    _make_private_file(Path(url.database))
    engine = create_engine(url.set(drivername="sqlite+pysqlite"), pool_size=_POOL, max_overflow=0, pool_timeout=5)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private_file(path: Path) -> None:
    # Alerts carry names and addresses of other people's systems. SQLite gives its -wal and -shm the same mode.
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreUnavailable(
            f"cannot open {path}: {error.strerror}", help="name a file in a directory that this account may write to"
        ) from error


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own transaction handling begins late and takes no lock; `_begin_sqlite` does it instead.
    connection.isolation_level = None
    cast("sqlite3.Connection", connection).create_function(LINK, 2, link, deterministic=True)
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {_BUSY_TIMEOUT_MS}",
        # With a write-ahead log readers and the writer do not wait for each other.
        "journal_mode = WAL",
        # NORMAL would lose the last commits at a power cut, and with them alerts that were acknowledged.
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns into a writer cannot wait for another writer: whoever will write says so at the start.
    writes = connection.get_execution_options().get("kubernaut_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgres(url: URL) -> Engine:
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=_POOL,
            max_overflow=0,
            pool_timeout=5,
            # A server that was restarted leaves dead connections; one ping is cheaper than an error to a stage.
            pool_pre_ping=True,
            # `tcp_user_timeout` in ms: a server that vanished is noticed after 10 s and not after the system's minutes.
            connect_args={"connect_timeout": 5, "application_name": "kubernaut", "tcp_user_timeout": 10_000},
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise SettingsError(
            "PostgreSQL needs the driver psycopg, which is not installed", help="pip install 'kubernaut[postgres]'"
        ) from error
    event.listen(engine, "connect", _prepare_postgres)
    return engine


def _prepare_postgres(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("SET TIME ZONE 'UTC'")
    # What takes longer is stuck, and the sender of an alert waits for it.
    cursor.execute("SET statement_timeout = '10s'")
    cursor.execute("SET lock_timeout = '5s'")
    # A process that stops inside a transaction would keep its locks until somebody notices.
    cursor.execute("SET idle_in_transaction_session_timeout = '30s'")
    # A server may be set to answer before the disk has it; what we acknowledge must be there.
    cursor.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    cursor.close()
    connection.commit()
