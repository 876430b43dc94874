"""Nothing that waits in the inbox holds up what came after it, and no word about an incident breaks the reception."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from kubernaut.adapters.memory.engine import MemoryEngine
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.domain.errors import ClusterError, ClusterUnavailable, Forbidden, Unauthenticated
from kubernaut.domain.incidents import Incident
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.domain.signals import AlertKey, Signal, SignalId
from kubernaut.pipeline import admit
from kubernaut.ports import Admission, IncidentFilter, Listing, Resource
from kubernaut.reception import BATCH, Reception
from tests import objects
from tests.misrouted_shop import MisroutedShop


def a_signal(number: int, namespace: str, *, firing: bool = True) -> Signal:
    labels = {"alertname": "KubePodCrashLooping", "namespace": namespace, "pod": f"web-{number}"}
    name = f"{'f' if firing else 'r'}-{namespace}-{number}"
    begun = objects.NOW - timedelta(minutes=5)
    key = AlertKey(f"{namespace}-{number}")
    return Signal(SignalId(name), "test", "KubePodCrashLooping", firing, key, labels, {}, begun, None, objects.NOW)


class Locked:
    """The line to a cluster in which one namespace answers with an error."""

    def __init__(self, shop: MisroutedShop, error: Exception) -> None:
        self._shop = shop
        self._error = error

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        if ref.namespace == "vault":
            raise self._error
        return await self._shop.cluster.get(ref)

    async def list(self, resource: Resource, namespace: str = "") -> Listing:
        return await self._shop.cluster.list(resource, namespace)


def cut_off(shop: MisroutedShop, error: Exception) -> None:
    """Lets triage see nothing of the namespace `vault`."""
    triage = replace(shop.stages.triage, reader=Locked(shop, error))  # type: ignore[arg-type]  # it asks no more
    shop.stages = replace(shop.stages, triage=triage)


@asynccontextmanager
async def receiving(shop: MisroutedShop) -> AsyncIterator[None]:
    """A reception at work; what breaks it breaks the test."""
    async with MemoryEngine(shop.workflow, shop.clock) as engine:
        reception = Reception(
            "one", shop.stages, engine, shop.inbox, shop.incidents, shop.leases, MemoryMeter(), asyncio.Event()
        )
        async with asyncio.TaskGroup() as group:
            work = group.create_task(reception.work())
            yield
            work.cancel()


async def settled(shop: MisroutedShop, *, waiting: int = 0) -> None:
    async with asyncio.timeout(5):
        while len(await shop.inbox.waiting(1000)) > waiting:
            await asyncio.sleep(0)


async def of_namespace(shop: MisroutedShop, namespace: str) -> list[Incident]:
    return await shop.incidents.find(IncidentFilter(namespace=namespace, limit=1000))


@pytest.mark.parametrize("error", [Forbidden("pods of vault may not be read"), ClusterError("not a name: ..")])
async def test_alerts_about_what_can_never_be_read_open_incidents_and_hold_up_no_others(error: ClusterError) -> None:
    shop = MisroutedShop()
    cut_off(shop, error)
    await shop.inbox.accept([*(a_signal(number, "vault") for number in range(BATCH)), a_signal(1, "shop")])

    async with receiving(shop):
        await settled(shop)

    assert len(await of_namespace(shop, "vault")) == BATCH
    assert len(await of_namespace(shop, "shop")) == 1


@pytest.mark.parametrize("error", [ClusterUnavailable("no answer"), Unauthenticated("the token is not taken")])
async def test_while_the_cluster_or_the_login_gives_no_answer_alerts_wait(error: ClusterError) -> None:
    shop = MisroutedShop()
    cut_off(shop, error)
    await shop.inbox.accept([a_signal(1, "vault"), a_signal(1, "shop")])

    async with receiving(shop):
        await settled(shop, waiting=1)

    assert [signal.id for signal in await shop.inbox.waiting(9)] == ["f-vault-1"]


async def test_a_resolved_alert_whose_incident_has_no_run_yet_starts_it() -> None:
    shop = MisroutedShop()
    # The process that took the firing alert in died before it started the run.
    admitted = await shop.stages.triage.admit(a_signal(1, "shop"))
    assert isinstance(admitted, Admission)

    async with MemoryEngine(shop.workflow, shop.clock) as engine:
        await admit(a_signal(1, "shop", firing=False), shop.stages, engine)
        async with asyncio.timeout(5):
            ended = await engine.outcome(admitted.incident.id)
    assert ended.result == "self_resolved"
