"""Many callers, one commit: what makes full durability cheap.

All that is waiting goes to a thread as one group, which is inserted in one transaction; the callers are told after the
commit. While the disk works the next group gathers, so the group grows with the load, and one alert alone does not wait
for others. Groups are made on the event loop: handing each row to the thread would wake it for each row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from kubernaut.domain.errors import KubernautError, StoreUnavailable

Row = TypeVar("Row")

# More than the time-outs of a database that is alive: one whose process stands still, or whose disk hangs, has none.
LONGEST_S: Final = 30.0


class NotTogether(StoreUnavailable):
    """A group failed for another reason than the database's state: one of its rows cannot be written."""


@dataclass(slots=True)
class _Group(Generic[Row]):
    rows: list[Row] = field(default_factory=list)
    size: int = 0
    callers: list[asyncio.Future[None]] = field(default_factory=list)


class GroupCommit(Generic[Row]):
    """Hands the rows of many callers on one event loop to one insert.

    At most `room` bytes are held; a caller beyond that is refused. Who has waited for `longest_s` for a database that
    hangs is told so: what is being inserted may be there later, and what only gathered is dropped.
    """

    def __init__(
        self,
        insert: Callable[[list[Row]], None],
        *,
        room: int = 64 * 2**20,
        thread_name: str = "kubernaut-inbox",
        longest_s: float = LONGEST_S,
    ) -> None:
        self._insert = insert
        self._room = room
        self._longest_s = longest_s
        self._alarm: asyncio.TimerHandle | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=thread_name)
        self._gathering: _Group[Row] = _Group()
        self._writing: _Group[Row] | None = None
        self._begins = False
        self._closed = False

    async def commit(self, rows: Sequence[Row], *, size: int) -> None:
        """Returns after the commit that holds all these rows; raises `StoreUnavailable` where there was none.

        That is `NotTogether` where another caller's row may be the reason.
        """
        if self._closed:
            raise StoreUnavailable("the store is closed")
        group = self._gathering
        # Refused and not queued: the sender is told to come again, while memory stays bounded as long as the disk is
        # away.
        if size + group.size + (self._writing.size if self._writing else 0) > self._room:
            raise StoreUnavailable("too much is waiting for the database")
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        group.rows.extend(rows)
        group.size += size
        group.callers.append(done)
        if self._writing is None and not self._begins:
            # At the end of this turn of the loop, with what else comes in it.
            self._begins = True
            loop.call_soon(self._begin, loop)
        await done

    def close(self) -> None:
        """Commits what is waiting and ends the thread."""
        self._closed = True
        self._thread.shutdown()
        group, self._gathering = self._gathering, _Group()
        if group.rows:
            _tell(group, self._outcome(group.rows))

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._begins = False
        group = self._gathering
        if self._closed or not group.rows:
            return
        # One group at the disk at a time, so groups are committed in the order in which their callers came.
        self._gathering, self._writing = _Group(), group
        self._alarm = loop.call_later(self._longest_s, self._give_up, loop)
        running = self._thread.submit(self._outcome, group.rows)
        running.add_done_callback(lambda done: loop.call_soon_threadsafe(self._end, loop, group, done))

    def _end(self, loop: asyncio.AbstractEventLoop, group: _Group[Row], done: Future[StoreUnavailable | None]) -> None:
        self._writing = None
        if self._alarm is not None:
            self._alarm.cancel()
        # The next group goes to the disk before the callers of this one run, so that the thread is never idle for them.
        self._begin(loop)
        failure = done.exception()
        _tell(group, done.result() if failure is None else NotTogether(f"the writer failed: {failure!r}"))

    def _give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        error = StoreUnavailable(f"the database has not answered for {self._longest_s:g} s")
        waiting, self._gathering = self._gathering, _Group()
        for group in (self._writing, waiting):
            if group is not None:
                _tell(group, error)
        self._alarm = loop.call_later(self._longest_s, self._give_up, loop)

    def _outcome(self, rows: list[Row]) -> StoreUnavailable | None:
        try:
            self._insert(rows)
        except StoreUnavailable as error:
            return error
        # Any other error may be the fault of one row, which its callers have to know.
        except KubernautError as error:
            return NotTogether(str(error))
        return None


def _tell(group: _Group[Row], error: StoreUnavailable | None) -> None:
    for caller in group.callers:
        if caller.done():
            continue  # its sender went away
        if error is None:
            caller.set_result(None)
        else:
            # One of its own for each: a shared exception would gather the tracebacks of all who raise it.
            caller.set_exception(type(error)(str(error)))
