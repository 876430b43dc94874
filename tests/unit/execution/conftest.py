"""A small shop as plain objects, and the ports to act on it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta

import pytest

from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.objects import JsonObject
from kubernaut.execution.catalogue import discover
from kubernaut.execution.previewing import ExecutionPorts


class StillClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, duration: timedelta) -> None:
        self.moment += duration


def container(image: str, memory: str = "512Mi") -> JsonObject:
    return {
        "name": "app",
        "image": image,
        "ports": [{"name": "http", "containerPort": 8080}],
        "resources": {"limits": {"memory": memory}, "requests": {"memory": "256Mi"}},
    }


def template(image: str) -> JsonObject:
    return {
        "metadata": {"labels": {"app": "checkout"}, "annotations": {"team/owner~1": "a"}},
        "spec": {"containers": [container(image), {"name": "proxy", "image": "p:1"}]},
    }


def replica_set(revision: int, image: str) -> JsonObject:
    made = template(image)
    labels: JsonObject = {"app": "checkout", "pod-template-hash": f"h{revision}"}
    made["metadata"] = {"labels": labels, "annotations": {"team/owner~1": "a"}}
    owner: JsonObject = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "checkout",
        "uid": "d-1",
        "controller": True,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"checkout-h{revision}",
            "namespace": "shop",
            "labels": copy.deepcopy(labels),
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
            "ownerReferences": [owner],
        },
        "spec": {"replicas": 0, "template": made},
    }


def deployment() -> JsonObject:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "checkout",
            "namespace": "shop",
            "uid": "d-1",
            "generation": 7,
            "annotations": {"deployment.kubernetes.io/revision": "7"},
        },
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "checkout"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": "25%"}},
            "template": template("checkout:7"),
        },
        "status": {"observedGeneration": 7, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3},
    }


def pod(name: str, *, ready: bool = True, **labels: str) -> JsonObject:
    owner: JsonObject = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "checkout-h7", "controller": True}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "labels": {"app": "checkout", **labels},
            "ownerReferences": [owner],
        },
        "spec": {"containers": [container("checkout:7")]},
        "status": {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    }


def service(selector: JsonObject | None = None, target_port: int | str = "http") -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "checkout", "namespace": "shop"},
        "spec": {
            "selector": selector if selector is not None else {"app": "checkout"},
            "ports": [{"name": "web", "port": 80, "targetPort": target_port}, {"name": "admin", "port": 81}],
        },
    }


def node(name: str, *, ready: bool = True, cordoned: bool = False) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "spec": {"unschedulable": True} if cordoned else {"podCIDR": "10.0.0.0/24"},
        "status": {
            "conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}],
            "allocatable": {"memory": "4Gi"},
        },
    }


def quota(**hard: tuple[str, str]) -> JsonObject:
    names = {name.replace("_", "."): pair for name, pair in hard.items()}
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "team", "namespace": "shop"},
        "status": {
            "hard": {name: pair[0] for name, pair in names.items()},
            "used": {name: pair[1] for name, pair in names.items()},
        },
    }


class Shop:
    """The makers, the cluster and the ports."""

    container, template, replica_set = staticmethod(container), staticmethod(template), staticmethod(replica_set)
    deployment, pod, service = staticmethod(deployment), staticmethod(pod), staticmethod(service)
    node, quota = staticmethod(node), staticmethod(quota)

    def __init__(self) -> None:
        self.cluster = MemoryCluster(
            [
                deployment(),
                replica_set(5, "checkout:5"),
                replica_set(6, "checkout:6"),
                replica_set(7, "checkout:7"),
                node("worker-1"),
                node("worker-2"),
            ]
        )
        self.clock = StillClock()
        self.ports = ExecutionPorts(self.cluster, self.cluster, self.clock, discover())


@pytest.fixture
def shop() -> Shop:
    return Shop()
