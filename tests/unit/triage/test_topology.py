"""A workload that is down and the Service in front of it are one fault; their look-alikes are two."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.objects import JsonObject
from kubernaut.domain.signals import Signal
from kubernaut.ports import Admission
from kubernaut.triage.admission import TriagePolicy, TriageStage, comes_last
from tests.examples import NOON, a_signal
from tests.serving import CountingIds, StillClock


def a_deployment(name: str, labels: JsonObject, namespace: str = "shop") -> JsonObject:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": {"metadata": {"labels": labels}}},
    }


def a_service(selector: JsonObject | None, namespace: str = "shop") -> JsonObject:
    spec: JsonObject = {} if selector is None else {"selector": selector}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "cart", "namespace": namespace},
        "spec": spec,
    }


def alert(name: str, **labels: str) -> Signal:
    told = {"alertname": name, "namespace": "shop", **labels}
    return replace(a_signal(alert=f"{name} {sorted(labels.items())}", labels=told), name=name)


DEPLOYMENT_DOWN = alert("KubeDeploymentReplicasMismatch", deployment="cart")
SERVICE_DOWN = alert("ServiceHasNoEndpoints", service="cart")


class Triage:
    def __init__(self, *objects: JsonObject) -> None:
        inbox = MemorySignalStore()
        self.incidents = MemoryIncidentStore(inbox)
        policy = TriagePolicy("test", hold=timedelta(minutes=5))
        self.stage = TriageStage(MemoryCluster(objects), inbox, self.incidents, StillClock(), CountingIds(), policy)

    async def take(self, signal: Signal) -> Admission:
        admission = await self.stage.admit(signal)
        assert isinstance(admission, Admission)
        return admission


async def test_a_services_alert_joins_the_open_incident_of_the_workload_it_selects() -> None:
    labels: JsonObject = {"app": "cart", "tier": "web"}
    triage = Triage(a_deployment("cart", labels), a_service({"app": "cart"}))

    first = await triage.take(DEPLOYMENT_DOWN)
    joined = await triage.take(SERVICE_DOWN)

    assert not joined.opened
    assert joined.incident.id == first.incident.id
    assert joined.incident.signals == 2
    assert await triage.incidents.still_firing(first.incident.id)


@pytest.mark.parametrize(
    ("workload", "service"),
    [
        (a_deployment("cart", {"app": "ledger"}), a_service({"app": "cart"})),
        (a_deployment("cart", {"app": "cart"}), a_service({"app": "cart", "version": "v2"})),
        (a_deployment("cart", {"app": "cart"}), a_service({})),
        (a_deployment("cart", {"app": "cart"}), a_service(None)),
        (a_deployment("cart", {"app": "cart"}), a_service({"app": "cart"}, namespace="elsewhere")),
    ],
)
async def test_a_service_that_does_not_select_the_workload_has_an_incident_of_its_own(
    workload: JsonObject, service: JsonObject
) -> None:
    triage = Triage(workload, service)

    first = await triage.take(DEPLOYMENT_DOWN)
    own = await triage.take(SERVICE_DOWN)

    assert own.opened
    assert own.incident.id != first.incident.id
    assert own.incident.target.kind == "Service"


async def test_the_same_names_in_another_namespace_are_another_fault() -> None:
    elsewhere = a_service({"app": "cart"}, namespace="elsewhere")
    triage = Triage(a_deployment("cart", {"app": "cart"}), elsewhere)

    await triage.take(DEPLOYMENT_DOWN)

    assert (await triage.take(alert("ServiceHasNoEndpoints", service="cart", namespace="elsewhere"))).opened


@pytest.mark.parametrize(
    ("of_workload", "of_service"),
    [
        (alert("RequestLatencyHigh", deployment="cart"), SERVICE_DOWN),
        (DEPLOYMENT_DOWN, alert("ServiceLatencyHigh", service="cart")),
    ],
)
async def test_a_slow_workload_or_a_slow_service_is_not_one_that_is_gone(
    of_workload: Signal, of_service: Signal
) -> None:
    triage = Triage(a_deployment("cart", {"app": "cart"}), a_service({"app": "cart"}))

    await triage.take(of_workload)

    assert (await triage.take(of_service)).opened


async def test_a_service_that_is_still_down_after_its_workload_was_mended_has_an_incident_of_its_own() -> None:
    triage = Triage(a_deployment("cart", {"app": "cart"}), a_service({"app": "cart"}))
    first = (await triage.take(DEPLOYMENT_DOWN)).incident
    for phase in (Phase.IMPACT, Phase.LEARNING):
        await triage.incidents.append(Event(first.id, str(phase), EventKind.VALUED, NOON, {}), phase=phase)
    await triage.incidents.close(first.id, ending=Ending.HEALED, reason="it works", at=NOON)

    own = await triage.take(SERVICE_DOWN)

    assert own.opened
    assert own.incident.target.kind == "Service"


def test_of_alerts_that_come_together_those_of_services_are_admitted_last() -> None:
    assert comes_last(SERVICE_DOWN)
    assert not comes_last(DEPLOYMENT_DOWN)
    assert not comes_last(alert("ServiceLatencyHigh", service="cart"))
    assert not comes_last(alert("Watchdog"))
