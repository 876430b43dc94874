"""Many alerts with one cause are one incident; faults that only look alike are not thrown together."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kubernaut.adapters.kubernetes.coalescing import CoalescingReader
from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.domain.errors import Unauthenticated
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.domain.signals import Signal
from kubernaut.ports import Admission
from kubernaut.triage.admission import TriagePolicy, TriageStage
from tests.examples import a_signal
from tests.objects import (
    NOW,
    Parts,
    ago,
    container,
    crash_loop,
    deployment,
    managed,
    metadata,
    node,
    pod,
    replica_set,
    running,
    service,
    template,
    waiting,
)
from tests.serving import CountingIds

SETTINGS = [{"name": "conf", "configMap": {"name": "rates"}}]


def an_alert(name: str = "KubePodNotReady", *, after: timedelta = timedelta(), **labels: str) -> Signal:
    told = {"alertname": name, "namespace": "shop", **labels}
    signal = a_signal(alert=f"{name} {sorted(told.items())}", labels=told)
    return replace(signal, name=name, starts_at=NOW - timedelta(minutes=1) + after, received_at=NOW + after)


def a_workload(name: str, status: Parts, *, node_name: str = "worker-1", **how: object) -> list[KubeObject]:
    """A Deployment with one ReplicaSet and one pod in that state."""
    volumes = how.pop("volumes", [])
    labels = {"app": name}
    wanted = template(container(image=f"registry.example/{name}:2.4.1"), labels=labels, volumes=volumes)
    top = deployment(name, wanted, replicas=1)
    made = replica_set(top, 1, wanted, desired=1)
    return [top, made, pod(f"{made.name}-x2v8k", [status], of=made, node=node_name, **how)]


def rates(*, edited: str = "") -> KubeObject:
    meta = metadata("ConfigMap", "rates")
    if edited:
        meta["managedFields"] = [managed("kubectl-edit", edited, "data")]
    return KubeObject({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"vat": "x"}})


class Triage:
    def __init__(self, *objects: KubeObject, freshness: timedelta = timedelta()) -> None:
        inbox = MemorySignalStore()
        self.incidents = MemoryIncidentStore(inbox)
        self.cluster = MemoryCluster(dict(item.raw) for item in objects)
        self.clock = ManualClock(NOW)
        policy = TriagePolicy("test", hold=timedelta(minutes=5))
        # A storm of hundreds reads each list once, as it does in the service.
        reader = CoalescingReader(self.cluster, freshness=freshness)
        self.stage = TriageStage(reader, inbox, self.incidents, self.clock, CountingIds(), policy)

    async def take(self, *signals: Signal) -> list[Admission]:
        taken = [await self.stage.admit(signal) for signal in signals]
        assert all(isinstance(each, Admission) for each in taken)
        return [each for each in taken if isinstance(each, Admission)]

    async def close(self, incident: IncidentId, ending: Ending) -> None:
        for phase in (Phase.IMPACT, Phase.LEARNING):
            await self.incidents.append(Event(incident, str(phase), EventKind.VALUED, NOW, {}), phase=phase)
        await self.incidents.close(incident, ending=ending, reason="told", at=NOW)


def incidents_of(taken: list[Admission]) -> set[str]:
    return {each.incident.id for each in taken}


async def test_five_hundred_alerts_of_pods_on_one_dead_node_are_one_incident_about_the_node() -> None:
    names = [f"svc{number}" for number in range(500)]
    gone = running(ready=False)
    pods = [item for name in names for item in a_workload(name, gone, node_name="worker-2")]
    triage = Triage(node("worker-1"), node("worker-2", ready="Unknown"), *pods, freshness=timedelta(minutes=1))

    taken = await triage.take(*(an_alert(deployment=name) for name in names))

    assert len(incidents_of(taken)) == 1
    assert taken[0].incident.target == ObjectRef("v1", "Node", "", "worker-2")
    assert taken[-1].incident.signals == 500


async def test_the_alert_about_the_node_itself_joins_the_incident_of_its_pods() -> None:
    triage = Triage(
        node("worker-1"),
        node("worker-2", ready="False"),
        *a_workload("cart", running(ready=False), node_name="worker-2"),
    )

    taken = await triage.take(an_alert(deployment="cart"), an_alert("KubeNodeNotReady", node="worker-2"))

    assert len(incidents_of(taken)) == 1


async def test_pods_of_other_namespaces_on_the_dead_node_join_as_well() -> None:
    here = a_workload("cart", running(ready=False), node_name="worker-2")
    bare = pod("probe", [running(ready=False)], node="worker-2")
    triage = Triage(node("worker-2", ready="Unknown"), *here, bare)

    taken = await triage.take(an_alert(deployment="cart"), an_alert(pod="probe"))

    assert len(incidents_of(taken)) == 1


async def test_a_workload_that_also_fails_on_a_well_node_has_an_incident_of_its_own() -> None:
    here = a_workload("cart", running(ready=False), node_name="worker-2")
    there = pod(f"{here[1].name}-p0q9z", [crash_loop()], of=here[1], node="worker-1")
    triage = Triage(node("worker-1"), node("worker-2", ready="Unknown"), *here, there)

    (taken,) = await triage.take(an_alert(deployment="cart"))

    assert taken.incident.target.kind == "Deployment"


async def test_a_pod_without_a_node_is_not_blamed_on_a_dead_one() -> None:
    workload = a_workload("cart", waiting("ContainerCreating"), node_name="")
    triage = Triage(node("worker-2", ready="Unknown"), *workload)

    (taken,) = await triage.take(an_alert(deployment="cart"))

    assert taken.incident.target.kind == "Deployment"


async def test_workloads_that_wait_for_one_missing_configmap_are_one_incident() -> None:
    names = [f"svc{number}" for number in range(40)]
    stuck = waiting("CreateContainerConfigError", 'configmap "rates" not found')
    items = [item for name in names for item in a_workload(name, stuck, volumes=SETTINGS)]
    triage = Triage(node(), *items)

    taken = await triage.take(*(an_alert(deployment=name) for name in names))

    assert len(incidents_of(taken)) == 1
    assert taken[0].incident.target.name == "svc0"


async def test_workloads_that_crash_after_an_edit_of_what_they_share_are_one_incident() -> None:
    crashing = crash_loop(1)
    since = ago(minutes=8)
    items = [
        item
        for name in ("cart", "ledger", "stock")
        for item in a_workload(name, crashing, volumes=SETTINGS, ready_since=since)
    ]
    triage = Triage(node(), rates(edited=ago(minutes=9)), *items)

    taken = await triage.take(*(an_alert(deployment=name) for name in ("cart", "ledger", "stock")))

    assert len(incidents_of(taken)) == 1


async def test_an_edit_that_a_working_pod_has_taken_in_is_not_suspected() -> None:
    failing = [
        item
        for name in ("cart", "ledger")
        for item in a_workload(name, crash_loop(), volumes=SETTINGS, ready_since=ago(minutes=8))
    ]
    well = a_workload("stock", running(since=ago(minutes=5)), volumes=SETTINGS)
    triage = Triage(node(), rates(edited=ago(minutes=9)), *failing, *well)

    taken = await triage.take(an_alert(deployment="cart"), an_alert(deployment="ledger"))

    assert len(incidents_of(taken)) == 2


async def test_workloads_that_failed_before_the_edit_are_not_thrown_together() -> None:
    items = [
        item
        for name in ("cart", "ledger")
        for item in a_workload(name, crash_loop(), volumes=SETTINGS, ready_since=ago(minutes=30))
    ]
    triage = Triage(node(), rates(edited=ago(minutes=9)), *items)

    taken = await triage.take(an_alert(deployment="cart"), an_alert(deployment="ledger"))

    assert len(incidents_of(taken)) == 2


async def test_an_old_edit_and_a_shared_configmap_prove_nothing() -> None:
    items = [
        item
        for name in ("cart", "ledger")
        for item in a_workload(name, crash_loop(), volumes=SETTINGS, ready_since=ago(minutes=8))
    ]
    triage = Triage(node(), rates(edited=ago(hours=5)), *items)

    taken = await triage.take(an_alert(deployment="cart"), an_alert(deployment="ledger"))

    assert len(incidents_of(taken)) == 2


async def test_images_that_cannot_be_pulled_are_not_blamed_on_a_shared_configmap() -> None:
    items = [
        item
        for name in ("cart", "ledger")
        for item in a_workload(name, waiting("ImagePullBackOff"), volumes=SETTINGS, ready_since=ago(minutes=8))
    ]
    triage = Triage(node(), rates(edited=ago(minutes=9)), *items)

    taken = await triage.take(an_alert(deployment="cart"), an_alert(deployment="ledger"))

    assert len(incidents_of(taken)) == 2


async def test_the_first_workload_of_a_storm_takes_in_those_that_fail_after_it() -> None:
    stuck = waiting("CreateContainerConfigError", 'configmap "rates" not found')
    triage = Triage(node(), *a_workload("cart", stuck, volumes=SETTINGS))

    first = await triage.take(an_alert(deployment="cart"))
    for item in a_workload("ledger", stuck, volumes=SETTINGS):
        triage.cluster.put(dict(item.raw))
    second = await triage.take(an_alert(deployment="ledger"))

    assert incidents_of(first) == incidents_of(second)


async def test_a_symptom_that_comes_after_people_were_told_joins_their_incident() -> None:
    items = a_workload("cart", running(ready=False), node_name="worker-2")
    triage = Triage(node("worker-2", ready="Unknown"), *items)
    (first,) = await triage.take(an_alert("KubeNodeNotReady", node="worker-2"))
    await triage.close(first.incident.id, Ending.ESCALATED)

    (late,) = await triage.take(an_alert(deployment="cart", after=timedelta(minutes=3)))

    assert late.incident.id == first.incident.id
    assert not late.opened


async def test_a_node_that_fails_again_after_it_was_healed_is_a_new_incident() -> None:
    items = a_workload("cart", running(ready=False), node_name="worker-2")
    triage = Triage(node("worker-2", ready="Unknown"), *items)
    (first,) = await triage.take(an_alert("KubeNodeNotReady", node="worker-2"))
    await triage.close(first.incident.id, Ending.HEALED)

    (late,) = await triage.take(an_alert(deployment="cart", after=timedelta(minutes=3)))

    assert late.opened


async def test_a_cluster_that_does_not_let_us_list_nodes_costs_only_the_correlation() -> None:
    items = a_workload("cart", running(ready=False), node_name="worker-2")
    triage = Triage(node("worker-2", ready="Unknown"), *items)
    triage.cluster.denied.add(("list", "nodes"))

    (taken,) = await triage.take(an_alert(deployment="cart"))

    assert taken.opened
    assert taken.incident.target.kind == "Deployment"


async def test_the_alert_of_a_workload_joins_the_incident_of_the_service_in_front_of_it() -> None:
    items = a_workload("cart", crash_loop())
    triage = Triage(node(), *items, service("cart", {"app": "cart"}))

    taken = await triage.take(an_alert("ServiceHasNoEndpoints", service="cart"), an_alert(deployment="cart"))

    assert len(incidents_of(taken)) == 1


async def test_a_service_that_selects_nothing_of_the_workload_keeps_its_incident_to_itself() -> None:
    items = a_workload("cart", crash_loop())
    triage = Triage(node(), *items, service("cart", {"app": "basket"}))

    taken = await triage.take(an_alert("ServiceHasNoEndpoints", service="cart"), an_alert(deployment="cart"))

    assert len(incidents_of(taken)) == 2


async def test_an_alert_whose_owner_we_may_not_read_is_an_incident_about_the_object_it_names() -> None:
    triage = Triage(*a_workload("cart", crash_loop()))
    triage.cluster.denied = {("get", "pods"), ("get", "services")}

    told = [an_alert("KubePodCrashLooping", pod="cart-x"), an_alert("KubeServiceDown", service="cart")]
    taken = await triage.take(*told)

    assert {each.incident.target.name for each in taken} == {"cart-x", "cart"}


async def test_an_alert_waits_for_a_cluster_that_does_not_know_us_at_present() -> None:
    class Expired(MemoryCluster):
        async def get(self, ref: ObjectRef) -> KubeObject | None:
            raise Unauthenticated(f"reading {ref}")

    triage = Triage()
    stage = replace(triage.stage, reader=Expired())

    with pytest.raises(Unauthenticated):
        await stage.admit(an_alert("KubePodCrashLooping", pod="cart-x"))
