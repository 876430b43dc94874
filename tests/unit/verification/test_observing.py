"""What one look at a target sees."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.changes import Change, ObjectDeletion, ObjectPatch, PatchOperation
from kubernaut.domain.diagnosis import ActionCall, ActionId
from kubernaut.domain.errors import Forbidden
from kubernaut.domain.execution import Intent, Observation, Preview
from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef
from kubernaut.domain.patches import patched
from kubernaut.domain.snapshots import inverse_of
from kubernaut.verification.observing import observe

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
DEPLOYMENT = ObjectRef("apps/v1", "Deployment", "shop", "web")
SERVICE = ObjectRef("v1", "Service", "shop", "web")
NODE = ObjectRef("v1", "Node", "", "n1")


def owner(kind: str, name: str) -> JsonObject:
    return {"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": True}


def deployment(ready: int = 2, *, image: str = "web:2", **status: int) -> JsonObject:
    counts: JsonObject = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": ready, "observedGeneration": 2}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "generation": 2,
            "annotations": {"deployment.kubernetes.io/revision": "2"},
        },
        "spec": {"replicas": 2, "image": image},
        "status": {**counts, **status},
    }


def replica_set(revision: int) -> JsonObject:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"web-{revision}",
            "namespace": "shop",
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
            "ownerReferences": [owner("Deployment", "web")],
        },
        "spec": {"replicas": 1},
        "status": {"replicas": 1, "readyReplicas": 1, "observedGeneration": 1},
    }


def pod(name: str, revision: int = 2, *, waiting: str = "", restarts: int = 0, port: int = 8080) -> JsonObject:
    state: JsonObject = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "labels": {"app": "web"},
            "ownerReferences": [owner("ReplicaSet", f"web-{revision}")],
        },
        "spec": {"containers": [{"name": "app", "ports": [{"name": "http", "containerPort": port}]}]},
        "status": {
            "conditions": [{"type": "Ready", "status": "False" if waiting else "True"}],
            "containerStatuses": [{"name": "app", "restartCount": restarts, "state": state}],
        },
    }


def intent_for(change: Change, before: JsonObject, after: JsonObject | None, action: str) -> Intent:
    wanted = ActionCall(ActionId(action), change.target, {})
    way_back = None
    if isinstance(change, ObjectPatch) and after is not None:
        way_back = inverse_of(change, KubeObject(before), KubeObject(after))
    return Intent(Preview(wanted, change, (), ""), before, way_back)


async def look(cluster: MemoryCluster, intent: Intent) -> Observation:
    return await observe(cluster, intent.preview.call, intent, at=NOW)


@pytest.fixture
def cluster() -> MemoryCluster:
    return MemoryCluster([deployment(), replica_set(1), replica_set(2), pod("a"), pod("b")])


def rolled(cluster: MemoryCluster, ready_before: int = 0) -> Intent:
    """The intent of a change that wrote the image which stands there now."""
    after = cluster.raw(DEPLOYMENT)
    before = {**deployment(ready_before, image="web:1"), "metadata": after["metadata"]}
    operation = PatchOperation("replace", "/spec/image", "web:2")
    change = ObjectPatch(DEPLOYMENT, KubeObject(after).uid, "1", (operation,))
    return intent_for(change, before, after, "rollback_deployment")


async def test_a_workload_is_as_well_as_its_ready_pods(cluster: MemoryCluster) -> None:
    seen = await look(cluster, rolled(cluster))
    assert (seen.settled, seen.healthy, seen.desired, seen.baseline, seen.problem) == (True, 2, 2, 0.0, "")


async def test_only_pods_of_the_newest_template_count_for_restarts_and_problems(cluster: MemoryCluster) -> None:
    cluster.put(pod("old", 1, waiting="CrashLoopBackOff", restarts=9))
    cluster.put(pod("b", waiting="ImagePullBackOff", restarts=2))
    cluster.put(deployment(1))
    seen = await look(cluster, rolled(cluster))
    assert (seen.healthy, seen.restarts, seen.problem) == (1, 2, "ImagePullBackOff")


async def test_a_container_that_starts_is_no_problem(cluster: MemoryCluster) -> None:
    cluster.put(pod("b", waiting="ContainerCreating"))
    assert (await look(cluster, rolled(cluster))).problem == ""


@pytest.mark.parametrize("status", [{"observedGeneration": 1}, {"updatedReplicas": 1}, {"replicas": 3}])
async def test_a_rollout_under_way_is_not_settled(cluster: MemoryCluster, status: dict[str, int]) -> None:
    cluster.put(deployment(**status))
    assert not (await look(cluster, rolled(cluster))).settled


async def test_a_field_that_somebody_changed_since_is_drift(cluster: MemoryCluster) -> None:
    intent = rolled(cluster)
    cluster.put(patched(cluster.raw(DEPLOYMENT), [PatchOperation("replace", "/spec/image", "web:3")]))
    assert (await look(cluster, intent)).drift == "/spec/image"


async def test_a_target_that_was_deleted_or_replaced_is_not_found(cluster: MemoryCluster) -> None:
    intent = rolled(cluster)
    raw = cluster.raw(DEPLOYMENT)
    cluster.remove(DEPLOYMENT)
    assert not (await look(cluster, intent)).found
    cluster.put({**raw, "metadata": {"name": "web", "namespace": "shop", "uid": "another"}})
    assert not (await look(cluster, intent)).found


async def test_a_deleted_pod_is_judged_by_its_owner_once_it_is_gone(cluster: MemoryCluster) -> None:
    before = cluster.raw(ObjectRef("v1", "Pod", "shop", "a"))
    item = KubeObject(before)
    intent = intent_for(ObjectDeletion(item.ref, item.uid), before, None, "restart_pod")
    cluster.remove(ObjectRef("v1", "Pod", "shop", "b"))
    assert not (await look(cluster, intent)).settled
    cluster.remove(item.ref)
    cluster.put(pod("c"))
    seen = await look(cluster, intent)
    assert (seen.settled, seen.healthy, seen.desired) == (True, 1, 1)


def service_and_slice(cluster: MemoryCluster, *ready: str, target: int | str = 8080) -> Intent:
    ports: JsonObject = {"port": 80, "targetPort": target}
    metadata: JsonObject = {"name": "web", "namespace": "shop"}
    spec: JsonObject = {"selector": {"app": "web"}, "ports": [ports]}
    raw: JsonObject = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    stored = cluster.put(raw)
    endpoints = [{"targetRef": {"name": name}, "conditions": {"ready": True}} for name in ready]
    labels = {"kubernetes.io/service-name": "web"}
    cluster.put(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "web-1", "namespace": "shop", "labels": dict(labels)},
            "endpoints": list(endpoints),
            "ports": [{"port": 8080}],
        }
    )
    operation = PatchOperation("replace", "/spec/selector", {"app": "web"})
    before = {**stored.raw, "spec": {**spec, "selector": {"app": "wrong"}}}
    change = ObjectPatch(SERVICE, stored.uid, "1", (operation,))
    return intent_for(change, before, dict(stored.raw), "fix_service_selector")


async def test_a_service_is_as_well_as_its_ready_endpoints(cluster: MemoryCluster) -> None:
    seen = await look(cluster, service_and_slice(cluster, "a"))
    assert (seen.healthy, seen.desired, seen.problem) == (1, 2, "")


async def test_endpoints_on_a_port_that_no_pod_declares_do_not_count(cluster: MemoryCluster) -> None:
    seen = await look(cluster, service_and_slice(cluster, "a", "b", target=9090))
    assert (seen.healthy, seen.desired, seen.problem) == (0, 2, "no ready endpoint with the right port")


@pytest.mark.parametrize(
    ("action", "ready", "cordoned", "well"),
    [
        ("uncordon_node", True, False, 1),
        ("uncordon_node", True, True, 0),
        ("uncordon_node", False, False, 0),
        ("cordon_node", True, True, 1),
        ("cordon_node", False, True, 0),
    ],
)
async def test_a_node_is_well_when_ready_and_open_unless_we_closed_it(
    cluster: MemoryCluster, action: str, *, ready: bool, cordoned: bool, well: int
) -> None:
    status: JsonObject = {"conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}]}
    spec: JsonObject = {"unschedulable": True} if cordoned else {}
    stored = cluster.put(
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": spec, "status": status}
    )
    intent = intent_for(ObjectPatch(NODE, stored.uid, "1", ()), dict(stored.raw), dict(stored.raw), action)
    seen = await look(cluster, intent)
    assert (seen.found, seen.healthy, seen.desired) == (True, well, 1)


async def test_what_cannot_be_read_is_an_error_and_no_observation(cluster: MemoryCluster) -> None:
    cluster.denied.add(("list", "pods"))
    with pytest.raises(Forbidden):
        await look(cluster, rolled(cluster))
