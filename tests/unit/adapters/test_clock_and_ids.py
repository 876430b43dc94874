"""Time and chance."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, timedelta

from kubernaut.adapters.clock import SystemClock
from kubernaut.adapters.ids import RandomIds
from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.ids import CountingIds


async def test_a_manual_clock_wakes_sleepers_in_the_order_they_are_due() -> None:
    clock = ManualClock()
    woken: list[int] = []

    async def sleeper(minutes: int) -> None:
        await clock.sleep(timedelta(minutes=minutes))
        woken.append(minutes)

    async with asyncio.TaskGroup() as group:
        for minutes in (3, 1, 2):
            group.create_task(sleeper(minutes))
        await clock.advance(timedelta(minutes=2))
        assert woken == [1, 2]
        assert clock.sleepers == 1
        await clock.advance(timedelta(minutes=1))


async def test_who_sleeps_again_on_waking_wakes_again_within_one_advance() -> None:
    clock = ManualClock()
    begun = clock.now()
    seen: list[timedelta] = []

    async def ticking() -> None:
        for _ in range(3):
            await clock.sleep(timedelta(seconds=10))
            seen.append(clock.now() - begun)

    async with asyncio.TaskGroup() as group:
        group.create_task(ticking())
        await clock.advance(timedelta(minutes=1))
    assert [span.total_seconds() for span in seen] == [10, 20, 30]


async def test_a_jumping_clock_sleeps_without_waiting() -> None:
    clock = ManualClock(jumps=True)
    begun = clock.now()
    await clock.sleep(timedelta(days=1))
    assert clock.now() - begun == timedelta(days=1)


def test_the_system_clock_tells_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_random_ids_are_valid_label_values_and_differ() -> None:
    made = {RandomIds().new("inc") for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"inc-[a-z0-9]{10}", name) for name in made)


def test_counting_ids_can_be_foreseen() -> None:
    ids = CountingIds()
    assert [ids.new("inc"), ids.new("ask")] == ["inc-000001", "ask-000002"]
