"""The journal of one run in the process that attends to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import NoReturn, cast

import structlog

from kubernaut.domain.errors import JournalMismatch, StoreError, StoreUnavailable
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine.gate import Gate
from kubernaut.engine.liveness import Pulse
from kubernaut.engine.outcome import error_in
from kubernaut.engine.runs import Entry, RunStore
from kubernaut.engine.stepping import Journal

log = structlog.get_logger(__name__)


class RunJournal(Journal):
    """Replays what is stored, then stores what is new; leaves the run by `CancelledError` where it may not."""

    def __init__(
        self, run_id: str, stored: Sequence[Entry], runs: RunStore, gate: Gate, pulse: Pulse, *, pace: float
    ) -> None:
        self._run_id = run_id
        # Turned around, since entries are taken from the end of a list without moving the others.
        self._stored = list(reversed(stored))
        self._place = 0
        self._runs = runs
        self._gate = gate
        self._pulse = pulse
        # The count at which ownership was last known: the run was read from the database just now.
        self._lapses = pulse.lapses
        self._pace = pace
        self._received: set[int] = set()
        self.is_acting = False
        self.is_listening = False
        self.news = asyncio.Event()

    async def record(self, name: str, produce: Callable[[], Awaitable[JsonObject]]) -> Json:
        """The entry of that name, stored before this returns."""
        async with self._gate.entered():
            replayed = self._replayed(name)
            if replayed is not None:
                return replayed.body
            # Whoever cancels a run lets a step under way finish, so that no change of a cluster is left half written
            # down.
            self.is_acting = True
            try:
                # The effect first and its record after: a crash between the two repeats the step, which is why steps
                # are idempotent.
                produced = await produce()
                error = error_in(produced)
                if isinstance(error, StoreUnavailable):
                    self._wait_for_database(error)
                return await self._keep(name, produced)
            finally:
                self.is_acting = False

    async def sleep(self, duration: timedelta) -> None:
        """Waits until the stored end."""
        await self._gate.passed()
        # The end is stored and not the duration: a restart waits for what is left, and not all over again.
        until = await self._moment("sleep", duration)
        await asyncio.sleep(_seconds_to(self._at_most(until, duration)))

    async def receive(self, topic: str, timeout: timedelta) -> Json | None:  # noqa: ASYNC109  # durable
        """The stored message, the next one, or None."""
        await self._gate.passed()
        # Two entries, the deadline and the message, so that a replay of an unfinished wait keeps its first deadline.
        until = self._at_most(await self._moment(f"receive {topic} until", timeout), timeout)
        replayed = self._replayed(f"receive {topic}")
        if replayed is None:
            found = await self._await_message(topic, until)
            await self._gate.passed()
            # That nothing came is an entry as well: a replay must not receive what came after the time was over.
            received = await self._keep(f"receive {topic}", found)
        else:
            received = replayed.body
        fields = cast("JsonObject", received)
        if "seq" in fields:
            # Messages stay stored until the run ends, so what was received is known by number and not by absence.
            self._received.add(cast("int", fields["seq"]))
        return fields.get("message")

    async def still_ours(self) -> None:
        """Costs nothing while the heart beats in time; after a lapse it asks the database once."""
        lapses = self._pulse.lapses
        # The usual way, without a question to the database for each step.
        if lapses == self._lapses:
            return
        if await self._runs.owner(self._run_id) != self._pulse.executor:
            raise asyncio.CancelledError(f"{self._run_id} was taken over")
        self._lapses = lapses

    def _replayed(self, name: str) -> Entry | None:
        if not self._stored:
            return None
        entry = self._stored.pop()
        if entry.name != name:
            # The code took another way than the one that is written down; going on would act twice or not at all.
            raise JournalMismatch(f"the journal holds {entry.name} where the code asks for {name}")
        self._place += 1
        return entry

    async def _keep(self, name: str, body: Json) -> Json:
        try:
            kept = await self._runs.keep(self._run_id, self._place, Entry(name, body), owner=self._pulse.executor)
        except StoreError as error:
            self._wait_for_database(error)
        # The fence: another process owns the run now, or it was cancelled. This one stops without a word in the
        # journal.
        if not kept:
            raise asyncio.CancelledError(f"{self._run_id} was taken over or ended")
        self._place += 1
        return body

    def _wait_for_database(self, error: StoreError) -> NoReturn:
        """Neither a result nor a failure of the run: it stays unfinished, and the sweeper takes it up again."""
        log.warning("journal does not answer, the run waits", run=self._run_id, error=str(error))
        raise asyncio.CancelledError from error

    def _at_most(self, until: datetime, duration: timedelta) -> datetime:
        """The stored end of a wait, or an earlier one where the clock was set back since it was stored."""
        return min(until, datetime.now(UTC) + duration / self._pace)

    async def _moment(self, name: str, duration: timedelta) -> datetime:
        replayed = self._replayed(name)
        # Wall time, since a wait has to survive the process; a monotonic clock begins anew with each of them.
        until = (datetime.now(UTC) + duration / self._pace).isoformat()
        body = await self._keep(name, until) if replayed is None else replayed.body
        return datetime.fromisoformat(cast("str", body))

    async def _await_message(self, topic: str, until: datetime) -> JsonObject:
        self.is_listening = True
        # By a clock that nobody sets.
        clock = asyncio.get_running_loop().time
        deadline = clock() + _seconds_to(until)
        try:
            while True:
                # Before the look, so that what comes between the look and the wait still wakes it.
                self.news.clear()
                try:
                    waiting = await self._runs.messages(self._run_id, topic)
                except StoreError as error:
                    log.warning("messages cannot be read", run=self._run_id, error=str(error))
                    # A database that is away for a moment ends no wait: the loop looks again at the next news, or at
                    # the deadline.
                    waiting = []
                for message in waiting:
                    if message.seq not in self._received:
                        return {"seq": message.seq, "message": message.payload}
                if clock() >= deadline:
                    return {}
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(deadline):
                        await self.news.wait()
        finally:
            self.is_listening = False


def _seconds_to(moment: datetime) -> float:
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
