"""Transactions on SQLite or PostgreSQL, run on threads of the store's own.

The drivers are the synchronous ones: a thread waits for the disk either way, and one driver a database is one thing
less to trust. Every error of SQLAlchemy ends here as an error of ours.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import TypeVar, cast

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError, SQLAlchemyError

from kubernaut.adapters.store.group_commit import LONGEST_S, GroupCommit, NotTogether
from kubernaut.domain.errors import StoreError, StoreUnavailable
from kubernaut.ports import Meter

T = TypeVar("T")

# Reads and short writes of stages, pages and checks; alerts coming in have a thread of their own.
_THREADS = 4
# Any number will do, as long as nobody else on the database takes it.
_EVENTS_LOCK = 7_305_612_002


@dataclass(slots=True)
class _Write:
    """One work of a group; what it gave holds after the commit."""

    work: Callable[[Connection], object]
    result: object = None


class Database:
    """Runs work in transactions; writes are serialised on SQLite, where only one writer can be.

    Work may run twice before it is committed once, so it changes nothing but the database.
    """

    def __init__(self, engine: Engine, meter: Meter | None = None) -> None:
        self.engine = engine
        self._meter = meter
        self._writing = engine.execution_options(kubernaut_writes=True)
        # SQLite makes a second writer poll with growing sleeps; in one process a lock is fairer and faster.
        self.turn: AbstractContextManager[object] = (
            threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()
        )
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="kubernaut-store")
        # A thread of its own: the threads of readers may all be waiting, and a commit must not wait behind them.
        self._group: GroupCommit[_Write] = GroupCommit(self._commit, thread_name="kubernaut-writer")

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What the work returns, which must not write."""
        return await self._on_thread(self._read, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What the work returns, after its commit; nothing of it stays where it raises."""
        if self.engine.dialect.name == "sqlite":
            # SQLite has one writer anyway, so writes that wait may as well share its one sync of the disk.
            return await self.write_together(work)
        # Writers beside each other: in one transaction the locks of one work would be held through the next.
        return await self._on_thread(self.write_here, work)

    async def write_together(self, work: Callable[[Connection], T], *, size: int = 0) -> T:
        """`write` in one transaction with whatever else waits, so that a hundred writes cost the disk one commit.

        `size` in bytes counts to the room of what may wait.
        """
        write = _Write(work)
        try:
            await self._group.commit([write], size=size)
        except NotTogether:
            # One of the group cannot be written: alone, it harms no other, and its error reaches who asked for it.
            return await self._on_thread(self.write_here, work)
        return cast("T", write.result)

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
        """Commits what is waiting, and ends threads and connections."""
        self._group.close()
        self._threads.shutdown()
        self.engine.dispose()

    def _commit(self, group: Sequence[_Write]) -> None:
        def work(connection: Connection) -> None:
            # A failing one takes the whole transaction with it, and `NotTogether` then sends each on its own way.
            for write in group:
                write.result = write.work(connection)

        self.write_here(work)

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self.metered("read"), translated_errors(), self.engine.connect() as connection:
            return work(connection)

    async def _on_thread(self, run: Callable[[Callable[[Connection], T]], T], work: Callable[[Connection], T]) -> T:
        try:
            running = asyncio.get_running_loop().run_in_executor(self._threads, run, work)
        except RuntimeError as error:
            raise StoreUnavailable("the store is closed") from error
        try:
            async with asyncio.timeout(LONGEST_S):
                return await running
        except TimeoutError as error:
            raise StoreUnavailable(f"the database has not answered for {LONGEST_S:g} s") from error


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
        # A file has no server and so no clock; whoever shares it shares this machine's.
        return datetime.now(UTC)
    moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return moment


def queue_for_events(connection: Connection) -> None:
    """Lets one transaction at a time append events, so that `seq` is the order of commits.

    PostgreSQL gives numbers before the commit: without this, whoever reads on from the last number it saw would miss
    an event that was numbered earlier and committed later. Taken last in a transaction, after all row locks.
    """
    if connection.dialect.name == "postgresql":
        # Of the transaction and not of the session, so that an error or a lost connection gives it back by itself.
        connection.execute(select(func.pg_advisory_xact_lock(_EVENTS_LOCK)))


def first_line(error: Exception) -> str:
    """What the driver says, without the statement and the values that SQLAlchemy adds."""
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().split("\n", 1)[0] or type(cause).__name__
