"""What a journal makes of a clock that was set back, and of a database that is away."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from kubernaut.adapters.clock import SystemClock, since_boot
from kubernaut.adapters.memory.heartbeats import MemoryHeartbeats
from kubernaut.domain.errors import ClusterUnavailable, KubernautError, StoreUnavailable
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine.gate import Gate
from kubernaut.engine.journal import RunJournal
from kubernaut.engine.liveness import Pulse
from kubernaut.engine.outcome import capture
from kubernaut.engine.retrying import RetryPolicy
from kubernaut.engine.run import Run
from kubernaut.engine.runs import Entry, Message
from kubernaut.engine.stepping import JournalledRun, conclude


class Rows:
    """A database that keeps what it is given, as far as a journal asks."""

    def __init__(self) -> None:
        self.kept: list[Entry] = []

    async def keep(self, run_id: str, place: int, entry: Entry, *, owner: str) -> bool:  # noqa: ARG002
        self.kept.append(entry)
        return True

    async def messages(self, run_id: str, topic: str) -> list[Message]:  # noqa: ARG002
        return []


def a_journal(rows: Rows, *stored: Entry) -> RunJournal:
    pulse = Pulse(MemoryHeartbeats(SystemClock()), "a", trust=timedelta(seconds=6))
    return RunJournal("inc-1", stored, rows, Gate(), pulse, pace=1.0)  # type: ignore[arg-type]  # all that it asks


def far_ahead() -> str:
    """What was stored before the clock of the machine was set back by a day."""
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()


async def test_a_wait_lasts_no_longer_than_it_was_to_last_though_the_clock_was_set_back() -> None:
    journal = a_journal(Rows(), Entry("sleep", far_ahead()))
    async with asyncio.timeout(5):
        await journal.sleep(timedelta(milliseconds=1))


async def test_a_request_stays_open_no_longer_than_it_was_to_though_the_clock_was_set_back() -> None:
    journal = a_journal(Rows(), Entry("receive decision until", far_ahead()))
    async with asyncio.timeout(5):
        assert await journal.receive("decision", timedelta(milliseconds=1)) is None


async def produced(error: Exception) -> JsonObject:
    async def step() -> None:
        raise error

    return await capture("tell", step)


async def test_a_database_that_is_away_is_no_result_of_a_step() -> None:
    rows = Rows()
    with pytest.raises(asyncio.CancelledError):
        await a_journal(rows).record("tell", lambda: produced(StoreUnavailable("it does not answer")))
    assert rows.kept == []


async def test_a_cluster_that_is_away_is_a_result_of_a_step() -> None:
    rows = Rows()
    await a_journal(rows).record("apply-1", lambda: produced(ClusterUnavailable("it does not answer")))
    assert [entry.name for entry in rows.kept] == ["apply-1"]


async def test_a_run_that_broke_does_not_end_while_nobody_can_be_told() -> None:
    async def broken(run: Run, argument: JsonObject) -> Json:  # noqa: ARG001
        raise ValueError

    async def unheard(run_id: str, error: KubernautError) -> None:  # noqa: ARG001
        raise StoreUnavailable("it does not answer")

    once = RetryPolicy(attempts=1)
    run = JournalledRun("inc-1", a_journal(Rows()), once, asyncio.Semaphore(1))
    with pytest.raises(StoreUnavailable):
        await conclude(run, broken, {}, unheard, once)


async def test_a_process_whose_machine_slept_may_have_been_taken_for_dead() -> None:
    moment = 100.0
    pulse = Pulse(MemoryHeartbeats(SystemClock()), "a", trust=timedelta(seconds=6), clock=lambda: moment)
    await pulse.beat()
    assert pulse.lapses == 0
    moment += 600
    assert pulse.lapses == 1
    await pulse.beat()
    assert pulse.lapses == 1


def test_the_clock_of_a_pulse_counts_the_sleep_of_the_machine_too() -> None:
    assert since_boot() >= time.monotonic() - 1
