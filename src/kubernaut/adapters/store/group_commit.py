"""Many callers, one commit: what makes full durability cheap.

A thread takes all that is waiting, inserts it in one transaction, and tells the callers after the commit. While the
disk works the next group gathers, so the group grows with the load and one alert alone does not wait for others.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from kubernaut.domain.errors import StoreError, StoreUnavailable

Row = TypeVar("Row")

_ROWS_A_COMMIT = 2000


@dataclass(frozen=True, slots=True)
class _Submission(Generic[Row]):
    rows: Sequence[Row]
    size: int
    done: asyncio.Future[None]


class GroupCommit(Generic[Row]):
    """Hands rows of many callers to one insert. At most `room` bytes wait; a caller beyond that is refused."""

    def __init__(self, insert: Callable[[list[Row]], None], *, room: int = 64 * 2**20) -> None:
        self._insert = insert
        self._room = room
        self._queue: SimpleQueue[_Submission[Row] | None] = SimpleQueue()
        self._waiting = 0
        self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._write, name="kubernaut-inbox", daemon=True)
        self._thread.start()

    async def commit(self, rows: Sequence[Row], *, size: int) -> None:
        """Returns after the commit that holds all these rows; raises `StoreUnavailable` where there was none.

        How long that may take is bounded by the database's own time-outs.
        """
        submission = _Submission(rows, size, asyncio.get_running_loop().create_future())
        self._enqueue(submission)
        await submission.done

    def close(self) -> None:
        """Commits what is waiting and ends the thread."""
        with self._lock:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _enqueue(self, submission: _Submission[Row]) -> None:
        with self._lock:
            if self._closed or not self._thread.is_alive():
                raise StoreUnavailable("the store is closed")
            if self._waiting + submission.size > self._room:
                raise StoreUnavailable("too much is waiting for the database")
            self._waiting += submission.size
            self._queue.put(submission)

    def _write(self) -> None:
        open_ = True
        while open_:
            group, open_ = self._next_group()
            wanted = [submission for submission in group if not submission.done.done()]
            error: StoreUnavailable | None = StoreUnavailable("the writer of the inbox failed")
            try:
                if wanted:
                    self._insert([row for submission in wanted for row in submission.rows])
                error = None
            except StoreError as failure:
                error = StoreUnavailable(str(failure))
            finally:
                self._settle(group, error)

    def _next_group(self) -> tuple[list[_Submission[Row]], bool]:
        first = self._queue.get()
        group: list[_Submission[Row]] = []
        rows = 0
        while first is not None:
            group.append(first)
            rows += len(first.rows)
            if rows >= _ROWS_A_COMMIT:
                return group, True
            try:
                first = self._queue.get_nowait()
            except Empty:
                return group, True
        return group, False

    def _settle(self, group: list[_Submission[Row]], error: StoreUnavailable | None) -> None:
        with self._lock:
            self._waiting -= sum(submission.size for submission in group)
        loops = {submission.done.get_loop() for submission in group}
        for loop in loops:
            mine = [submission.done for submission in group if submission.done.get_loop() is loop]
            # A loop that was closed meanwhile has nobody left to tell.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_tell, mine, error)


def _tell(callers: list[asyncio.Future[None]], error: StoreUnavailable | None) -> None:
    for caller in callers:
        if caller.done():
            continue
        if error is None:
            caller.set_result(None)
        else:
            caller.set_exception(StoreUnavailable(str(error)))
