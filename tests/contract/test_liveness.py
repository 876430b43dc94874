"""Leases and heartbeats, on every adapter."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from kubernaut.adapters.clock import SystemClock
from kubernaut.adapters.memory.heartbeats import MemoryHeartbeats
from kubernaut.adapters.memory.leases import MemoryLeases
from kubernaut.adapters.store import open_store
from kubernaut.ports import Heartbeats, Leases

_LONG = timedelta(hours=1)
# Run out the moment it is taken: no test has to wait.
_OVER = timedelta(microseconds=-1)


@dataclass
class Liveness:
    heartbeats: Heartbeats
    leases: Leases


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def liveness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Liveness]:
    if request.param == "memory":
        yield Liveness(MemoryHeartbeats(SystemClock()), MemoryLeases(SystemClock()))
        return
    url = f"sqlite:///{tmp_path}/k.db" if request.param == "sqlite" else request.getfixturevalue("empty_database")
    store = open_store(url)
    yield Liveness(store.heartbeats, store.leases)
    store.close()


async def test_an_executor_that_just_beat_is_not_stale(liveness: Liveness) -> None:
    await liveness.heartbeats.beat("a")
    assert await liveness.heartbeats.stale(_LONG) == []


async def test_an_executor_that_has_not_beaten_for_longer_than_the_bound_is_stale(liveness: Liveness) -> None:
    await liveness.heartbeats.beat("a")
    await liveness.heartbeats.beat("b")
    assert await liveness.heartbeats.stale(-_LONG) == ["a", "b"]


async def test_a_forgotten_executor_is_not_stale_until_it_beats_again(liveness: Liveness) -> None:
    await liveness.heartbeats.beat("a")
    await liveness.heartbeats.forget("a")
    assert await liveness.heartbeats.stale(-_LONG) == []
    await liveness.heartbeats.beat("a")
    assert await liveness.heartbeats.stale(-_LONG) == ["a"]


async def test_only_one_of_many_gets_the_lease(liveness: Liveness) -> None:
    holders = [f"h{number}" for number in range(8)]
    got = await asyncio.gather(*(liveness.leases.acquire("sweep", holder, duration=_LONG) for holder in holders))
    assert sum(got) == 1


async def test_the_holder_renews_its_lease_and_others_get_it_only_when_it_has_run_out(liveness: Liveness) -> None:
    assert await liveness.leases.acquire("sweep", "a", duration=_LONG)
    assert not await liveness.leases.acquire("sweep", "b", duration=_LONG)
    assert await liveness.leases.acquire("sweep", "a", duration=_OVER)
    assert await liveness.leases.acquire("sweep", "b", duration=_LONG)


async def test_a_lease_is_given_back_by_its_holder_alone(liveness: Liveness) -> None:
    assert await liveness.leases.acquire("sweep", "a", duration=_LONG)
    await liveness.leases.release("sweep", "b")
    assert not await liveness.leases.acquire("sweep", "b", duration=_LONG)
    await liveness.leases.release("sweep", "a")
    assert await liveness.leases.acquire("sweep", "b", duration=_LONG)
