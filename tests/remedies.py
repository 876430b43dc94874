"""A small town in which every action of the catalogue has something to do, as plain objects."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.diagnosis import ActionCall, ActionId, Parameter
from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef
from kubernaut.domain.patches import value_at
from kubernaut.ports import ClusterReader
from kubernaut.resources import JOB, POD

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
DIGEST = "tool@sha256:" + "a" * 64
# A literal of nested dicts is no `Json` to a type checker, because dict is invariant.
Raw = dict[str, Any]


def ago(**span: float) -> str:
    return (NOW - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def thing(api: str, kind: str, name: str, place: str = "shop", **parts: Any) -> Raw:  # noqa: ANN401
    meta: Raw = {"name": name, "uid": f"{kind.lower()}-{name}", "generation": 1, "creationTimestamp": ago(days=3)}
    if place:
        meta["namespace"] = place
    meta.update(parts.pop("meta", {}))
    return {"apiVersion": api, "kind": kind, "metadata": meta, **parts}


def owner(kind: str, name: str, api: str = "apps/v1") -> list[Raw]:
    return [{"apiVersion": api, "kind": kind, "name": name, "uid": f"{kind.lower()}-{name}", "controller": True}]


def container(image: str = "checkout:7", **extra: Any) -> Raw:  # noqa: ANN401
    made: Raw = {
        "name": "app",
        "image": image,
        "ports": [{"name": "http", "containerPort": 8080}],
        "command": ["run", image],
        "env": [{"name": "MODE", "value": image}, {"name": "LOG", "value": "x"}],
        "resources": {"limits": {"memory": "512Mi", "cpu": "500m"}, "requests": {"memory": "256Mi", "cpu": "100m"}},
        "readinessProbe": {"httpGet": {"path": f"/{image[-1]}", "port": 8080}, "periodSeconds": 5},
    }
    made.update(extra)
    return made


def template(app: str, image: str, *, secret: str = "credentials", **extra: Any) -> Raw:  # noqa: ANN401, S107
    token = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": secret, "key": "token"}}}
    first = container(image, **extra)
    first["env"] = [*first["env"], token]
    spare = {"name": "spare", "image": "spare:1"}
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": [first, spare]}}


def deployment() -> Raw:
    spec = {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "checkout"}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}},
        "template": template("checkout", "checkout:7", secret="credentails"),
    }
    status = {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3}
    marks = {"deployment.kubernetes.io/revision": "7"}
    return thing("apps/v1", "Deployment", "checkout", meta={"annotations": marks}, spec=spec, status=status)


def replica_set(revision: int) -> Raw:
    secret = "credentails" if revision == 7 else "credentials"
    made = template("checkout", f"checkout:{revision}", secret=secret)
    labels = {"app": "checkout", "pod-template-hash": f"h{revision}"}
    made["metadata"] = {"labels": labels}
    meta = {
        "labels": labels,
        "annotations": {"deployment.kubernetes.io/revision": str(revision)},
        "ownerReferences": owner("Deployment", "checkout"),
    }
    spec = {"replicas": 3 if revision == 7 else 0, "selector": {"matchLabels": labels}, "template": made}
    return thing("apps/v1", "ReplicaSet", f"checkout-h{revision}", meta=meta, spec=spec, status={"replicas": 3})


def pod(
    name: str,
    node: str = "worker-1",
    *,
    ready: bool = True,
    of: str = "ReplicaSet/checkout-h7",
    **extra: Any,  # noqa: ANN401  # noqa: E501
) -> Raw:
    kind, _, by = of.partition("/")
    app = by.partition("-")[0]
    revision = {"pod-template-hash": "h7"} if kind == "ReplicaSet" else {}
    labels = {"app": app, **revision, **extra.pop("labels", {})}
    spec = {"nodeName": node, "containers": [container()], "tolerations": []}
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
    status.update(extra.pop("status", {}))
    meta = {"labels": labels, "ownerReferences": owner(kind, by)}
    return thing("v1", "Pod", name, meta=meta, spec=spec, status=status)


def revised(kind: str, name: str, **spec: Any) -> list[Raw]:  # noqa: ANN401
    """A StatefulSet or DaemonSet with two ControllerRevisions."""
    body = {"selector": {"matchLabels": {"app": name}}, "template": template(name, f"{name}:2"), **spec}
    status = {"observedGeneration": 1, "updateRevision": f"{name}-r2", "desiredNumberScheduled": 3}
    found = [thing("apps/v1", kind, name, spec=body, status=status)]
    for number in (1, 2):
        data = {"spec": {"template": {**template(name, f"{name}:{number}"), "$patch": "replace"}}}
        meta = {"ownerReferences": owner(kind, name)}
        found.append(thing("apps/v1", "ControllerRevision", f"{name}-r{number}", meta=meta, data=data, revision=number))
    return found


def node(name: str, **spec: Any) -> Raw:  # noqa: ANN401
    size = {"cpu": "8", "memory": "16Gi", "pods": "110"}
    status = {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": size}
    meta = {"labels": {"kubernetes.io/hostname": name}}
    return thing("v1", "Node", name, "", meta=meta, spec=spec, status=status)


def job_spec(**extra: Any) -> Raw:  # noqa: ANN401
    pod_spec = {
        "containers": [{"name": "tool", "image": DIGEST, "securityContext": {"runAsNonRoot": True}}],
        "serviceAccountName": "tool",
        "restartPolicy": "Never",
    }
    return {"template": {"metadata": {"labels": {"job": "x"}}, "spec": pod_spec}, "activeDeadlineSeconds": 600, **extra}


def service(name: str, selector: Raw, target_port: int | str = "http", **extra: Any) -> Raw:  # noqa: ANN401
    applied = {"kind": "Service", "metadata": {"name": name}, "spec": {"selector": selector}}
    spec = {
        "selector": selector,
        "type": "ClusterIP",
        "ports": [{"name": "web", "port": 80, "targetPort": target_port, "protocol": "TCP"}],
        **extra,
    }
    return thing("v1", "Service", name, meta={"annotations": {APPLIED: json.dumps(applied)}}, spec=spec)


def ingress() -> Raw:
    backend = {"service": {"name": "nowhere", "port": {"number": 80}}}
    path = {"path": "/api", "pathType": "Prefix", "backend": backend}
    rules = [{"host": "shop.example", "http": {"paths": [path]}}]
    return thing("networking.k8s.io/v1", "Ingress", "front", spec={"rules": rules})


def config_map() -> Raw:
    written = {"kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"mode": "fast", "level": "2"}}
    meta = {"annotations": {APPLIED: json.dumps(written)}}
    return thing("v1", "ConfigMap", "settings", meta=meta, data={"mode": "slow", "stray": "1"})


def quota() -> Raw:
    hard = {"requests.cpu": "4", "pods": "50"}
    meta = {"annotations": {"ceiling.kubernaut.ai/requests.cpu": "10"}}
    status = {"hard": dict(hard), "used": {"requests.cpu": "1", "pods": "3"}}
    return thing("v1", "ResourceQuota", "team", meta=meta, spec={"hard": hard}, status=status)


def budget() -> Raw:
    spec = {"minAvailable": 3, "selector": {"matchLabels": {"app": "guarded"}}}
    status = {"observedGeneration": 1, "expectedPods": 3, "currentHealthy": 3, "desiredHealthy": 3}
    meta = {"annotations": {"kubernaut.ai/may-relax": "true"}}
    return thing(
        "policy/v1", "PodDisruptionBudget", "guard", meta=meta, spec=spec, status={**status, "disruptionsAllowed": 0}
    )


def claim(name: str, phase: str, **spec: Any) -> Raw:  # noqa: ANN401
    body = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}, **spec}
    return thing("v1", "PersistentVolumeClaim", name, spec=body, status={"phase": phase})


def networks() -> list[Raw]:
    spec = {"podSelector": {"matchLabels": {"app": "checkout"}}, "policyTypes": ["Ingress", "Egress"]}
    meta = {"creationTimestamp": ago(hours=1)}
    return [
        thing("networking.k8s.io/v1", "NetworkPolicy", name, meta=meta, spec=dict(spec)) for name in ("deny", "lock")
    ]


def rights() -> list[Raw]:
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
    return [
        thing("v1", "ServiceAccount", "reader"),
        thing("rbac.authorization.k8s.io/v1", "Role", "settings-reader", rules=[rule]),
    ]


def batch() -> list[Raw]:
    marks = {"kubernaut.ai/idempotent": "true"}
    reasons = {"status": "True", "reason": "BackoffLimitExceeded", "lastTransitionTime": ago(days=2)}
    ended = [{"type": each, **reasons} for each in ("FailureTarget", "Failed")]
    failed = {"startTime": ago(days=3), "conditions": ended}
    declared = {"kubernaut.ai/workflow": "backup", "kubernaut.ai/inputs": json.dumps({"database": ["orders"]})}
    cron: Raw = {"schedule": "0 3 * * *", "jobTemplate": {"spec": job_spec()}}
    return [
        thing("batch/v1", "Job", "import", meta={"annotations": marks}, spec=job_spec(), status=failed),
        thing("batch/v1", "CronJob", "nightly", spec=copy.deepcopy(cron)),
        thing("batch/v1", "CronJob", "weekly", spec={**copy.deepcopy(cron), "suspend": True}),
        thing("batch/v1", "CronJob", "backup", meta={"annotations": declared}, spec={**cron, "suspend": True}),
    ]


def secrets() -> list[Raw]:
    held: Raw = {"data": {"token": "aGlkZGVu"}, "type": "Opaque"}
    meta = {"ownerReferences": owner("ExternalSecret", "vaulted", "external-secrets.io/v1")}
    return [
        thing("v1", "Secret", "credentials", **held),
        thing("v1", "Secret", "vaulted", meta=meta, **held),
        thing("external-secrets.io/v1", "ExternalSecret", "vaulted", meta={"annotations": {"team": "a"}}, spec={}),
    ]


def others() -> list[Raw]:
    spec = {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "idle"}},
        "template": {
            "metadata": {"labels": {"app": "idle"}},
            "spec": {"containers": [{"name": "app", "image": "i:1"}]},
        },
    }
    idle_status = {"observedGeneration": 1}
    paused: Raw = {**copy.deepcopy(spec), "replicas": 2, "paused": True}
    rolling: Raw = {**copy.deepcopy(spec), "replicas": 2}
    scale = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "rolling"}, "minReplicas": 2}
    return [
        thing("apps/v1", "Deployment", "idle", spec=spec, status=idle_status),
        thing(
            "apps/v1", "Deployment", "paused", spec=paused, status={**idle_status, "replicas": 2, "updatedReplicas": 2}
        ),
        thing(
            "apps/v1",
            "Deployment",
            "rolling",
            spec=rolling,
            status={**idle_status, "replicas": 2, "updatedReplicas": 1},
        ),
        thing("autoscaling/v2", "HorizontalPodAutoscaler", "rolling", spec={**scale, "maxReplicas": 4}),
        thing("storage.k8s.io/v1", "StorageClass", "fast", "", allowVolumeExpansion=True, provisioner="x"),
        thing("networking.k8s.io/v1", "IngressClass", "nginx", "", spec={"controller": "example.com/ingress"}),
        thing("v1", "Namespace", "shop", "", meta={"creationTimestamp": ago(days=30)}, status={"phase": "Active"}),
    ]


def town() -> list[JsonObject]:
    """All of it; new objects at each call."""
    ended = {"phase": "Failed", "reason": "Evicted", "conditions": []}
    return [
        *(node(f"worker-{number}") for number in (1, 2)),
        node("worker-3", unschedulable=True),
        node("worker-4", taints=[{"key": "team.example/stray", "effect": "NoSchedule"}]),
        deployment(),
        *(replica_set(number) for number in (5, 6, 7)),
        pod("checkout-a"),
        pod("checkout-b", "worker-2"),
        pod("checkout-c", "worker-2", ready=False),
        pod("checkout-x", "worker-2", ready=False, status=ended),
        pod("checkout-y", "worker-2", ready=False, status=ended),
        *revised("StatefulSet", "ledger", replicas=1, serviceName="ledger"),
        pod("ledger-0", "worker-2", ready=False, of="StatefulSet/ledger", labels={"controller-revision-hash": "ledger-r2"}),  # noqa: E501
        *revised("DaemonSet", "agent"),
        service("checkout", {"app": "chekout"}),
        service("ported", {"app": "checkout"}, 9999, internalTrafficPolicy="Local"),
        ingress(), config_map(), quota(), budget(),
        claim("archive", "Bound", storageClassName="fast", volumeName="v1"),
        claim("scratch", "Pending", storageClassName="fsat"),
        *networks(), *rights(), *batch(), *secrets(), *others(),
    ]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One call of an action, and what it has to bring about: values at pointers of objects, None for what is gone."""

    action: str
    target: ObjectRef
    parameters: dict[str, Parameter] = field(default_factory=dict)
    effects: tuple[tuple[ObjectRef, str, object], ...] = ()
    deletes: tuple[ObjectRef, ...] = ()
    more: Callable[[ClusterReader], Any] | None = None

    @property
    def call(self) -> ActionCall:
        return ActionCall(ActionId(self.action), self.target, self.parameters)


def ref(kind: str, name: str, place: str = "shop") -> ObjectRef:
    api = next(raw["apiVersion"] for raw in town() if raw["kind"] == kind)
    return ObjectRef(str(api), kind, place, name)


DEPLOYMENT, SERVICE, NODE = ref("Deployment", "checkout"), ref("Service", "checkout"), ref("Node", "worker-1", "")
APP = "/spec/template/spec/containers/0"
AGAIN = {
    "kind": "Service",
    "metadata": {"name": "lost"},
    "spec": {"selector": {"app": "checkout"}, "ports": [{"port": 80}]},
}


async def one_job_more(reader: ClusterReader) -> bool:
    return len((await reader.list(JOB, "shop")).items) == 2


async def no_pod_left_on_worker_1(reader: ClusterReader) -> bool:
    pods = (await reader.list(POD, "shop")).items
    return not any(
        each.text("spec", "nodeName") == "worker-1" and not each.has("metadata", "deletionTimestamp") for each in pods
    )


async def settings_are_as_applied(reader: ClusterReader) -> bool:
    found = await reader.get(ref("ConfigMap", "settings"))
    return found is not None and found.mapping("data") == {"mode": "fast", "level": "2"}


async def quarantined(reader: ClusterReader) -> bool:
    found = await reader.get(ref("Pod", "checkout-a"))
    if found is None:
        return False
    name = f"kubernaut-quarantine-{found.uid}"
    policy = await reader.get(ObjectRef("networking.k8s.io/v1", "NetworkPolicy", "shop", name))
    return found.labels == {"kubernaut.ai/quarantine": found.uid} and policy is not None


async def asked_and_nobody_restarted_yet(reader: ClusterReader) -> bool:
    found = await reader.get(ref("ExternalSecret", "vaulted"))
    return found is not None and "force-sync" in found.annotations


def case(action: str, target: ObjectRef, *effects: tuple[str, object], **parameters: Parameter) -> Case:
    return Case(action, target, parameters, tuple((target, path, value) for path, value in effects))


CASES: tuple[Case, ...] = (
    case("restart_workload", DEPLOYMENT, ("/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt", ...)),  # noqa: E501
    case("rollback_deployment", DEPLOYMENT, (f"{APP}/image", "checkout:6"), revision=6),
    Case("rollback_statefulset", ref("StatefulSet", "ledger"), {"revision": 1},
         ((ref("StatefulSet", "ledger"), f"{APP}/image", "ledger:1"),), deletes=(ref("Pod", "ledger-0"),)),
    case("rollback_daemonset", ref("DaemonSet", "agent"), (f"{APP}/image", "agent:1"), revision=1),
    case("resume_rollout", ref("Deployment", "paused"), ("/spec/paused", None)),
    case("pause_rollout", ref("Deployment", "rolling"), ("/spec/paused", True)),
    case("scale_workload", DEPLOYMENT, ("/spec/replicas", 5), replicas=5),
    case("restore_replicas", ref("Deployment", "idle"), ("/spec/replicas", 2), replicas=2),
    case("patch_hpa", ref("HorizontalPodAutoscaler", "rolling"), ("/spec/maxReplicas", 6), max_replicas=6),
    case("increase_memory_limit", DEPLOYMENT, (f"{APP}/resources/limits/memory", "1Gi"), container="app", factor=2.0),
    case("increase_cpu_limit", DEPLOYMENT, (f"{APP}/resources/limits/cpu", "750m"), container="app", factor=1.5),
    case("set_resource_requests", DEPLOYMENT, ("/spec/template/spec/containers/1/resources/requests/cpu", "50m"),
         container="spare", cpu_request="50m"),
    case("adjust_probe", DEPLOYMENT, (f"{APP}/readinessProbe/httpGet/path", "/6"),
         container="app", probe="readiness", revision=6),
    case("restore_env", DEPLOYMENT, (f"{APP}/env/0/value", "checkout:6"), container="app", variable="MODE", revision=6),
    case("restore_command", DEPLOYMENT, (f"{APP}/command/1", "checkout:6"), container="app", revision=6),
    case("restore_image", DEPLOYMENT, (f"{APP}/image", "checkout:6"), (f"{APP}/command/1", "checkout:7"),
         container="app", revision=6),
    Case("restore_configmap", ref("ConfigMap", "settings"), more=settings_are_as_applied),
    case("restore_secret_reference", DEPLOYMENT, (f"{APP}/env/2/valueFrom/secretKeyRef/name", "credentials"),
         secret="credentails", revision=6),
    case("fix_service_selector", SERVICE, ("/spec/selector", {"app": "checkout"}), selector="app=checkout"),
    case("fix_service_port", ref("Service", "ported"), ("/spec/ports/0/targetPort", 8080), port="web", target_port="8080"),  # noqa: E501
    case("restore_service", ref("Service", "ported"), ("/spec/internalTrafficPolicy", "Cluster"), part="traffic_policy"),  # noqa: E501
    case("recreate_service", ref("Service", "lost"), ("/spec/selector", {"app": "checkout"}),
         configuration=json.dumps(AGAIN)),
    case("fix_ingress_backend", ref("Ingress", "front"),
         ("/spec/rules/0/http/paths/0/backend/service/name", "checkout"),
         host="shop.example", path="/api", service="checkout", port="80"),
    case("amend_network_policy", ref("NetworkPolicy", "deny"), ("/spec/policyTypes", ["Ingress"]), drop="Egress"),
    Case("amend_network_policy", ref("NetworkPolicy", "lock"), {"drop": "all"}, deletes=(ref("NetworkPolicy", "lock"),)),  # noqa: E501
    case("cordon_node", NODE, ("/spec/unschedulable", True)),
    case("uncordon_node", ref("Node", "worker-3", ""), ("/spec/unschedulable", None)),
    Case("drain_node", NODE, {"deadline_s": 60}, ((NODE, "/spec/unschedulable", True),), more=no_pod_left_on_worker_1),
    case("taint_node", NODE, ("/spec/taints/0/key", "team.example/slow"), key="team.example/slow"),
    case("untaint_node", ref("Node", "worker-4", ""), ("/spec/taints", None), key="team.example/stray", effect="NoSchedule"),  # noqa: E501
    case("expand_pvc", ref("PersistentVolumeClaim", "archive"), ("/spec/resources/requests/storage", "15Gi"), factor=1.5),  # noqa: E501
    case("recreate_pvc", ref("PersistentVolumeClaim", "scratch"), ("/spec/storageClassName", "fast"), storage_class="fast"),  # noqa: E501
    case("relax_pdb", ref("PodDisruptionBudget", "guard"), ("/spec/minAvailable", 2)),
    case("adjust_quota", ref("ResourceQuota", "team"), ("/spec/hard/requests.cpu", "6"), resource="requests.cpu", hard="6"),  # noqa: E501
    case("suspend_cronjob", ref("CronJob", "nightly"), ("/spec/suspend", True)),
    case("resume_cronjob", ref("CronJob", "weekly"), ("/spec/suspend", False)),
    Case("rerun_job", ref("Job", "import"), more=one_job_more),
    Case("run_workflow", ref("CronJob", "backup"), {"inputs": "database=orders"}, more=one_job_more),
    Case("delete_evicted_pods", DEPLOYMENT, deletes=(ref("Pod", "checkout-x"), ref("Pod", "checkout-y"))),
    Case("quarantine_pod", ref("Pod", "checkout-a"), more=quarantined),
    Case("restart_pod", ref("Pod", "checkout-c"), deletes=(ref("Pod", "checkout-c"),)),
    case("restore_role_binding", ref("ServiceAccount", "reader"), role="settings-reader", binding="reader-settings"),
    case("migrate_workload", DEPLOYMENT,
         ("/spec/template/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution"
          "/nodeSelectorTerms/0/matchExpressions/0/values", ["worker-1"]), node="worker-1"),
    Case("rotate_secret", ref("Secret", "vaulted"), more=asked_and_nobody_restarted_yet),
)  # fmt: skip


def names(one: Case) -> str:
    return f"{one.action}-{one.target.name}"


async def has_effect(case: Case, reader: ClusterReader) -> bool:
    """Whether a fresh look at the cluster finds what the action is for."""
    for target, path, value in case.effects:
        item = await reader.get(target)
        found = value_at(item.raw if item else {}, path)
        if value is ... or value is None:
            # Whatever stands there will do, or nothing may.
            if (str(found) == "ABSENT") is not (value is None):
                return False
        elif found != value:
            return False
    for target in case.deletes:
        item = await reader.get(target)
        if item is not None and not item.has("metadata", "deletionTimestamp"):
            return False
    if case.action == "restore_role_binding":
        bound = await reader.get(ObjectRef("rbac.authorization.k8s.io/v1", "RoleBinding", "shop", "reader-settings"))
        return bound is not None and bound.text("roleRef", "name") == "settings-reader"
    return bool(await case.more(reader)) if case.more else True


class StillClock:
    """Stands, and jumps over what is slept."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, duration: timedelta) -> None:
        self.moment += duration


def contents(cluster: MemoryCluster) -> dict[ObjectRef, Raw]:
    """Everything in the cluster but its bookkeeping, and but the pods: controllers make those anew."""
    found: dict[ObjectRef, Raw] = {}
    for address in sorted(cluster._objects):
        item = KubeObject(cluster.raw(address))
        body = {key: value for key, value in item.raw.items() if key not in {"metadata", "status"}}
        marks = {key: value for key, value in item.annotations.items() if key != "kubernaut.ai/change"}
        found[address] = {**body, "labels": item.labels, "annotations": marks}
    return found
