"""Builders of Kubernetes objects as an API server prints them, for tests without a cluster."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from kubernaut.domain.objects import KubeObject

# A literal of nested dicts is no `Json` to a type checker, because dict is invariant.
Part: TypeAlias = Any
Parts: TypeAlias = dict[str, Any]

NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def ago(seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> str:
    """The RFC 3339 time that long before NOW."""
    moment = NOW - timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(*parts: Part, size: int = 10) -> str:
    """Letters and digits that follow from the parts, as controllers make them."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:size]


def metadata(kind: str, name: str, namespace: str = "shop", **extra: Part) -> Parts:
    made: Parts = {"name": name, "uid": f"{digest(kind, namespace, name, size=8)}-uid", "resourceVersion": "100"}
    if namespace:
        made["namespace"] = namespace
    made["creationTimestamp"] = ago(days=3)
    made.update({key: value for key, value in extra.items() if value is not None})
    return made


def owner(item: KubeObject) -> list[Part]:
    return [
        {
            "apiVersion": item.text("apiVersion"),
            "kind": item.kind,
            "name": item.name,
            "uid": item.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def managed(manager: str, at: str, *path: str, subresource: str = "") -> Parts:
    """An entry of managedFields: that manager wrote the field at that time."""
    fields: Parts = {}
    inner = fields
    for step in path:
        deeper: Parts = {}
        inner[f"f:{step}"] = deeper
        inner = deeper
    entry: Parts = {"manager": manager, "operation": "Update", "apiVersion": "v1", "time": at, "fieldsV1": fields}
    if subresource:
        entry["subresource"] = subresource
    return entry


def container(name: str = "app", image: str = "registry.example/shop:1.8.2", **extra: Part) -> Parts:
    made: Parts = {"name": name, "image": image, "imagePullPolicy": "IfNotPresent"}
    made.update(extra)
    return made


def template(*containers: Parts, labels: Mapping[str, str] | None = None, **spec: Part) -> Parts:
    annotations = spec.pop("annotations", None)
    made: Parts = {"labels": dict(labels or {"app": "checkout"})}
    if annotations:
        made["annotations"] = annotations
    parts: list[Part] = list(copy.deepcopy(containers)) or [container()]
    return {"metadata": made, "spec": {"containers": parts, "restartPolicy": "Always", **spec}}


def running(name: str = "app", *, ready: bool = True, restarts: int = 0, since: str = "", **extra: Part) -> Parts:
    return {
        "name": name,
        "ready": ready,
        "started": True,
        "restartCount": restarts,
        "state": {"running": {"startedAt": since or ago(hours=2)}},
        "lastState": {},
        **extra,
    }


def waiting(reason: str, message: str = "", name: str = "app", *, restarts: int = 0, last: Part = None) -> Parts:
    state: Parts = {"reason": reason}
    if message:
        state["message"] = message
    return {
        "name": name,
        "ready": False,
        "started": False,
        "restartCount": restarts,
        "state": {"waiting": state},
        "lastState": {"terminated": last} if last else {},
    }


def ended(code: int, reason: str = "Error", *, started: str = "", finished: str = "", message: str = "") -> Parts:
    made: Parts = {
        "exitCode": code,
        "reason": reason,
        "startedAt": started or ago(62),
        "finishedAt": finished or ago(60),
    }
    if message:
        made["message"] = message
    return made


def crash_loop(code: int = 1, reason: str = "Error", *, restarts: int = 5, name: str = "app", **last: str) -> Parts:
    message = f"back-off 2m40s restarting failed container={name} pod=x_shop(uid)"
    return waiting("CrashLoopBackOff", message, name, restarts=restarts, last=ended(code, reason, **last))


def pod(  # noqa: PLR0913  # one argument a part of the object
    name: str,
    statuses: Sequence[Parts] = (),
    *,
    of: KubeObject | None = None,
    spec: Parts | None = None,
    node: str | None = "worker-1",
    age: str = "",
    phase: str = "",
    inits: Sequence[Parts] = (),
    conditions: Sequence[Parts] | None = None,
    labels: Mapping[str, str] | None = None,
    ready_since: str = "",
    **meta: Part,
) -> KubeObject:
    """A pod; by default of the owner's template, on worker-1, with conditions that follow from its statuses."""
    origin = of.tree("spec", "template") if of else None
    body: Parts = copy.deepcopy(spec or (dict(origin.tree("spec").raw) if origin else {"containers": [container()]}))
    if node:
        body["nodeName"] = node
    created = age or ago(hours=2)
    own: Parts = dict(labels or (origin.mapping("metadata", "labels") if origin else {"app": "checkout"}))
    if of and of.kind == "ReplicaSet":
        own["pod-template-hash"] = of.labels.get("pod-template-hash", "")
    made = metadata("Pod", name, creationTimestamp=created, labels=own, **meta)
    if of:
        made["ownerReferences"] = owner(of)
    is_ready = bool(statuses) and all(status["ready"] for status in statuses)
    state: Parts = {
        "phase": phase or ("Running" if any(_has_run(status) for status in statuses) else "Pending"),
        "startTime": created,
        "containerStatuses": list(statuses),
        "conditions": list(conditions) if conditions is not None else _conditions(is_ready, ready_since or created),
    }
    if inits:
        state["initContainerStatuses"] = list(inits)
    return KubeObject({"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": body, "status": state})


def _has_run(status: Parts) -> bool:
    state, last = status["state"], status["lastState"]
    return "running" in state or "terminated" in state or bool(last)


def _conditions(is_ready: bool, since: str) -> list[Parts]:  # noqa: FBT001
    value = "True" if is_ready else "False"
    return [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": since},
        {"type": "ContainersReady", "status": value, "lastTransitionTime": since},
        {"type": "Ready", "status": value, "lastTransitionTime": since},
    ]


def unschedulable(message: str) -> list[Parts]:
    return [
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastTransitionTime": ago(minutes=5),
        }
    ]


def deployment(name: str, wanted: Parts, *, replicas: int = 3, **extra: Part) -> KubeObject:
    """A Deployment whose controller has seen its spec; `status`, `conditions` and metadata can be given."""
    status: Parts = {
        "observedGeneration": 7,
        "replicas": replicas,
        "updatedReplicas": replicas,
        "readyReplicas": replicas,
        "availableReplicas": replicas,
        "conditions": extra.pop("conditions", []),
    }
    given = extra.pop("status", {})
    status.update(given)
    spec: Parts = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "progressDeadlineSeconds": 600,
        "template": wanted,
    }
    changes = extra.pop("spec", {})
    spec.update(changes)
    made = metadata("Deployment", name, generation=7, **extra)
    return KubeObject({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": made, "spec": spec, "status": status})


def replica_set(
    of: KubeObject,
    number: int,
    wanted: Parts,
    *,
    desired: int = 0,
    available: int = 0,
    age: str = "",
    **extra: Part,
) -> KubeObject:
    """The ReplicaSet of one revision."""
    stamp = digest(wanted, of.name, number)
    body = copy.deepcopy(wanted)
    meta = body["metadata"]
    labels = meta["labels"]
    labels["pod-template-hash"] = stamp
    annotations: Parts = {"deployment.kubernetes.io/revision": str(number)}
    more = extra.pop("annotations", {})
    annotations.update(more)
    made = metadata(
        "ReplicaSet",
        f"{of.name}-{stamp}",
        of.namespace,
        creationTimestamp=age or ago(days=3),
        labels={"pod-template-hash": stamp},
        annotations=annotations,
        ownerReferences=owner(of),
    )
    status: Parts = {"replicas": desired, "availableReplicas": available, "readyReplicas": available, **extra}
    return KubeObject(
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": made,
            "spec": {"replicas": desired, "template": body},
            "status": status,
        }
    )


def workload(kind: str, name: str, wanted: Parts, *, replicas: int = 1, **extra: Part) -> KubeObject:
    """A StatefulSet, DaemonSet or Job."""
    versions = {"StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "Job": "batch/v1"}
    spec: Parts = {"template": wanted}
    status: Parts = {"observedGeneration": 1}
    if kind == "StatefulSet":
        spec["replicas"] = replicas
    if kind == "DaemonSet":
        status["desiredNumberScheduled"] = replicas
    for key, target in (("spec", spec), ("status", status)):
        target.update(extra.pop(key, {}))
    made = metadata(kind, name, generation=1, **extra)
    return KubeObject({"apiVersion": versions[kind], "kind": kind, "metadata": made, "spec": spec, "status": status})


def controller_revision(of: KubeObject, number: int, wanted: Parts, *, age: str = "") -> KubeObject:
    stamp = digest(wanted, number)
    made = metadata(
        "ControllerRevision",
        f"{of.name}-{stamp}",
        creationTimestamp=age or ago(days=3),
        labels={"controller-revision-hash": f"{of.name}-{stamp}" if of.kind == "StatefulSet" else stamp},
        ownerReferences=owner(of),
    )
    data: Parts = {"spec": {"template": {**wanted, "$patch": "replace"}}}
    return KubeObject(
        {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": made, "data": data, "revision": number}
    )


def event(
    about: KubeObject,
    reason: str,
    message: str,
    *,
    type: str = "Warning",  # noqa: A002  # as the API calls it
    count: int = 1,
    at: str = "",
    **involved: Part,
) -> KubeObject:
    target: Parts = {
        "apiVersion": about.text("apiVersion"),
        "kind": about.kind,
        "name": about.name,
        "uid": about.uid,
        **involved,
    }
    if about.namespace:
        target["namespace"] = about.namespace
    name = f"{about.name}.{digest(reason, message, at, size=16)}"
    return KubeObject(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": metadata("Event", name, about.namespace or "default"),
            "involvedObject": target,
            "reason": reason,
            "message": message,
            "type": type,
            "count": count,
            "firstTimestamp": at or ago(minutes=5),
            "lastTimestamp": at or ago(minutes=1),
            "source": {"component": "kubelet"},
        }
    )


def service(name: str, selector: Mapping[str, str], *ports: Parts, **meta: Part) -> KubeObject:
    spec: Parts = {
        "type": "ClusterIP",
        "clusterIP": "10.96.0.20",
        "selector": dict(selector),
        "ports": list(ports) or [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}],
    }
    return KubeObject(
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata("Service", name, **meta), "spec": spec}
    )


def endpoint_slice(of: KubeObject, *, ready: int = 0, not_ready: int = 0) -> KubeObject:
    endpoints: list[Part] = [
        {"addresses": [f"10.1.0.{index + 1}"], "conditions": {"ready": index < ready}}
        for index in range(ready + not_ready)
    ]
    made = metadata("EndpointSlice", f"{of.name}-x7k2p", labels={"kubernetes.io/service-name": of.name})
    return KubeObject(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": made,
            "addressType": "IPv4",
            "endpoints": endpoints,
        }
    )


def configuration(kind: str, name: str, keys: Iterable[str], **meta: Part) -> KubeObject:
    data: Parts = dict.fromkeys(keys, "")
    return KubeObject({"apiVersion": "v1", "kind": kind, "metadata": metadata(kind, name, **meta), "data": data})


def node(  # noqa: PLR0913  # one argument a part of the object
    name: str = "worker-1",
    *,
    ready: str = "True",
    labels: Mapping[str, str] | None = None,
    taints: Sequence[Parts] = (),
    cordoned: bool = False,
    cpu: str = "4",
    memory: str = "8Gi",
    since: str = "",
    **meta: Part,
) -> KubeObject:
    spec: Parts = {}
    marks = [*taints]
    if cordoned:
        spec["unschedulable"] = True
        marks.append({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"})
    if ready == "Unknown":
        marks.append({"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"})
    if marks:
        spec["taints"] = list(marks)
    said = {
        "True": ("KubeletReady", "kubelet is posting ready status"),
        "Unknown": ("NodeStatusUnknown", "Kubelet stopped posting node status."),
        "False": ("KubeletNotReady", "container runtime is down"),
    }[ready]
    condition: Parts = {
        "type": "Ready",
        "status": ready,
        "reason": said[0],
        "message": said[1],
        "lastTransitionTime": since or ago(minutes=6),
    }
    made = metadata("Node", name, "", labels={"kubernetes.io/hostname": name, **(labels or {})}, **meta)
    status: Parts = {"allocatable": {"cpu": cpu, "memory": memory, "pods": "110"}, "conditions": [condition]}
    return KubeObject({"apiVersion": "v1", "kind": "Node", "metadata": made, "spec": spec, "status": status})


def quota(name: str, hard: Mapping[str, str], used: Mapping[str, str]) -> KubeObject:
    return KubeObject(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": metadata("ResourceQuota", name),
            "spec": {"hard": dict(hard)},
            "status": {"hard": dict(hard), "used": dict(used)},
        }
    )


def autoscaler(name: str, of: KubeObject, *, low: int = 2, high: int = 6) -> KubeObject:
    spec: Parts = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": of.kind, "name": of.name},
        "minReplicas": low,
        "maxReplicas": high,
    }
    made = metadata("HorizontalPodAutoscaler", name)
    return KubeObject(
        {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": made, "spec": spec}
    )


def namespace(name: str = "shop", **meta: Part) -> KubeObject:
    return KubeObject({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata("Namespace", name, "", **meta)})
