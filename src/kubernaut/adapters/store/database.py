"""Transactions on SQLite or PostgreSQL, run on threads of the store's own.

The drivers are the synchronous ones: a thread waits for the disk either way, and one driver a database is one thing
less to trust. Every error of SQLAlchemy ends here as an error of ours.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from time import perf_counter
from typing import TypeVar

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError, SQLAlchemyError

from kubernaut.domain.errors import StoreError, StoreUnavailable
from kubernaut.ports import Meter

T = TypeVar("T")

# Reads and short writes of stages, pages and checks; alerts coming in have a thread of their own.
_THREADS = 4
_EVENTS_LOCK = 7_305_612_002


class Database:
    """Runs work in transactions; `write` is serialised on SQLite, where only one writer can be."""

    def __init__(self, engine: Engine, meter: Meter | None = None) -> None:
        self.engine = engine
        self._meter = meter
        self._writing = engine.execution_options(kubernaut_writes=True)
        # SQLite makes a second writer poll with growing sleeps; in one process a lock is fairer and faster.
        self.turn: AbstractContextManager[object] = (
            threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()
        )
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="kubernaut-store")

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What the work returns, which must not write."""
        return await self._on_thread(self._read, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What the work returns, after its commit; nothing of it stays where it raises."""
        return await self._on_thread(self.write_here, work)

    def write_here(self, work: Callable[[Connection], T]) -> T:
        """`write` on the caller's own thread."""
        with self.metered("write"), translated_errors(), self.turn, self._writing.begin() as connection:
            return work(connection)

    @contextmanager
    def metered(self, access: str) -> Iterator[None]:
        """Times what is done within, and counts the errors of the store that leave it."""
        if self._meter is None:
            yield
            return
        began = perf_counter()
        try:
            yield
        except StoreError as error:
            self._meter.count("store_errors", access=access, error=type(error).__name__)
            raise
        finally:
            self._meter.observe("store_seconds", perf_counter() - began, access=access)

    def close(self) -> None:
        """Ends threads and connections."""
        self._threads.shutdown()
        self.engine.dispose()

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self.metered("read"), translated_errors(), self.engine.connect() as connection:
            return work(connection)

    async def _on_thread(self, run: Callable[[Callable[[Connection], T]], T], work: Callable[[Connection], T]) -> T:
        try:
            running = asyncio.get_running_loop().run_in_executor(self._threads, run, work)
        except RuntimeError as error:
            raise StoreUnavailable("the store is closed") from error
        return await running


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turns the library's errors into ours; the message is the driver's first line, without statement and values."""
    try:
        yield
    except (IntegrityError, DataError, ProgrammingError) as error:
        raise StoreError(first_line(error)) from error
    except SQLAlchemyError as error:
        raise StoreUnavailable(first_line(error)) from error


def database_time(connection: Connection) -> datetime:
    """The one clock that all processes on this database share."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment


def queue_for_events(connection: Connection) -> None:
    """Lets one transaction at a time append events, so that `seq` is the order of commits.

    PostgreSQL gives numbers before the commit: without this, whoever reads on from the last number it saw would miss
    an event that was numbered earlier and committed later. Taken last in a transaction, after all row locks.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_EVENTS_LOCK)))


def first_line(error: Exception) -> str:
    """What the driver says, without the statement and the values that SQLAlchemy adds."""
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().split("\n", 1)[0] or type(cause).__name__
