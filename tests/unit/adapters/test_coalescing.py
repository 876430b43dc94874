"""Sharing of equal reads."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from kubernaut.adapters.kubernetes.coalescing import CoalescingReader
from kubernaut.adapters.kubernetes.timing import TimingReader
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.errors import ClusterUnavailable
from kubernaut.domain.objects import JsonObject, ObjectRef
from kubernaut.ports import Listing, Resource
from kubernaut.resources import POD, SERVICE

REF = ObjectRef("v1", "Pod", "shop", "a")


def pod(name: str) -> JsonObject:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"}, "spec": {"x": 1}}


class SlowCluster(MemoryCluster):
    """Lists wait for the gate; the first ones may fail."""

    def __init__(self) -> None:
        super().__init__([pod("a")])
        self.gate = asyncio.Event()
        self.failures = 0

    async def list(
        self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "", limit: int = 5000
    ) -> Listing:
        await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise ClusterUnavailable("no")
        return await super().list(resource, namespace, labels=labels, fields=fields, limit=limit)


@pytest.fixture
def slow() -> SlowCluster:
    return SlowCluster()


async def test_a_hundred_readers_at_once_make_one_call(slow: SlowCluster) -> None:
    timing = TimingReader(slow)
    reader = CoalescingReader(timing, freshness=timedelta())
    async with asyncio.TaskGroup() as group:
        reads = [group.create_task(reader.list(POD, "shop")) for _ in range(100)]
        await asyncio.sleep(0)
        slow.gate.set()
    assert {len(read.result().items) for read in reads} == {1}
    assert len(timing.calls) == 1


async def test_a_list_is_shared_while_fresh_and_read_again_after_that(slow: SlowCluster) -> None:
    slow.gate.set()
    timing = TimingReader(slow)
    reader = CoalescingReader(timing, freshness=timedelta(hours=1))
    await reader.list(POD, "shop")
    slow.put(pod("b"))
    assert len((await reader.list(POD, "shop")).items) == 1
    stale = CoalescingReader(timing, freshness=timedelta())
    await stale.list(POD, "shop")
    slow.put(pod("c"))
    assert len((await stale.list(POD, "shop")).items) == 3


async def test_lists_that_differ_in_anything_are_not_shared(slow: SlowCluster) -> None:
    slow.gate.set()
    timing = TimingReader(slow)
    reader = CoalescingReader(timing, freshness=timedelta(hours=1))
    await reader.list(POD, "shop")
    await reader.list(POD, "blog")
    await reader.list(SERVICE, "shop")
    await reader.list(POD, "shop", labels="a=b")
    await reader.list(POD, "shop", limit=1)
    assert len(timing.calls) == 5


async def test_a_failure_is_shared_with_those_who_waited_and_with_nobody_later(slow: SlowCluster) -> None:
    slow.failures = 1
    reader = CoalescingReader(slow, freshness=timedelta(hours=1))

    async def attempt() -> bool:
        try:
            await reader.list(POD, "shop")
        except ClusterUnavailable:
            return False
        return True

    async with asyncio.TaskGroup() as group:
        attempts = [group.create_task(attempt()) for _ in range(5)]
        await asyncio.sleep(0)
        slow.gate.set()
    assert [attempted.result() for attempted in attempts] == [False] * 5
    assert await attempt()


async def test_a_reader_that_gives_up_does_not_take_the_others_along(slow: SlowCluster) -> None:
    reader = CoalescingReader(slow)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(reader.list(POD, "shop"))
        second = group.create_task(reader.list(POD, "shop"))
        await asyncio.sleep(0)
        first.cancel()
        slow.gate.set()
    assert first.cancelled()
    assert len(second.result().items) == 1


async def test_a_single_object_is_always_read_anew(slow: SlowCluster) -> None:
    reader = CoalescingReader(slow, freshness=timedelta(hours=1))
    before = await reader.get(REF)
    slow.put({**pod("a"), "spec": {"x": 2}})
    after = await reader.get(REF)
    assert before is not None
    assert after is not None
    assert (before.at("spec", "x"), after.at("spec", "x")) == (1, 2)
