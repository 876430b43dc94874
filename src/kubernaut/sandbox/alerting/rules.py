"""The alert rules: names, labels and `for` as in the kubernetes-mixin, with a few that are common beside it.

Labels are those that reach Alertmanager in real set-ups, so they include some that belong to the exporter's own pod.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from kubernaut.domain.objects import KubeObject
from kubernaut.domain.quantities import amount
from kubernaut.sandbox.alerting.observations import Observations, container_statuses
from kubernaut.sandbox.kinds import DEPLOYMENT, NODE, RESOURCE_QUOTA, STATEFUL_SET

Labels = dict[str, str]
_EXPORTER = "kube-state-metrics-6d5f9c7b8-4xk2p"
_SCRAPED: Labels = {
    "endpoint": "http",
    "instance": "10.0.0.5:8080",
    "job": "kube-state-metrics",
    "prometheus": "monitoring/k8s",
    "service": "kube-state-metrics",
}
# Where a metric has no pod and container of its own, those of the exporter stay on it.
_LEAKED: Labels = {**_SCRAPED, "container": "kube-state-metrics", "pod": _EXPORTER}
_QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """Where alerts go and how fast. `hold` caps the `for` of every rule; None keeps the mixin's.

    `external` are the labels that a Prometheus puts on all of its alerts, such as the name of its cluster.
    """

    url: str
    hold: timedelta | None = None
    every: timedelta = timedelta(seconds=30)
    group_wait: timedelta = timedelta(seconds=30)
    group_interval: timedelta = timedelta(minutes=5)
    repeat_interval: timedelta = timedelta(hours=4)
    group_by: tuple[str, ...] = ("namespace",)
    token: str = ""
    external: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert: `find` gives the label sets for which its expression holds now."""

    name: str
    severity: str
    wait: timedelta
    find: Callable[[Observations], Iterable[Labels]]
    summary: str


def _crash_looping(seen: Observations) -> Iterator[Labels]:
    for pod in seen.pods():
        for status in container_statuses(pod):
            name = status.text("name")
            if seen.was_crash_looping(pod, name):
                yield {**_of_container(pod, name), "reason": "CrashLoopBackOff"}


def _of_container(pod: KubeObject, container: str) -> Labels:
    return {**_SCRAPED, "namespace": pod.namespace, "pod": pod.name, "container": container, "uid": pod.uid}


def _container_waiting(seen: Observations) -> Iterator[Labels]:
    for pod in seen.pods():
        for status in container_statuses(pod):
            reason = status.text("state", "waiting", "reason")
            if reason and reason != "CrashLoopBackOff":
                yield {**_of_container(pod, status.text("name")), "reason": reason}


def _out_of_memory(seen: Observations) -> Iterator[Labels]:
    for pod in seen.pods():
        for status in container_statuses(pod):
            ended = {status.text(part, "terminated", "reason") for part in ("state", "lastState")}
            if "OOMKilled" in ended and seen.restarted(pod, status.text("name")):
                yield _of_container(pod, status.text("name"))


def _pod_not_ready(seen: Observations) -> Iterator[Labels]:
    for pod in seen.pods():
        owner = pod.controller
        ready = pod.condition("Ready")
        phase = pod.text("status", "phase")
        unready = phase == "Running" and (ready is None or ready.text("status") != "True")
        if (phase in ("Pending", "Unknown") or unready) and owner is not None and owner.kind != "Job":
            yield {"namespace": pod.namespace, "pod": pod.name, "job": "kube-state-metrics"}


def _deployments(seen: Observations) -> list[KubeObject]:
    return seen.universe.cluster.storage.views(DEPLOYMENT)


def _of_deployment(item: KubeObject) -> Labels:
    return {**_LEAKED, "namespace": item.namespace, "deployment": item.name}


def _replicas_mismatch(seen: Observations) -> Iterator[Labels]:
    for item in _deployments(seen):
        short = item.integer("spec", "replicas") > item.integer("status", "availableReplicas")
        if short and not seen.is_rolling(item):
            yield _of_deployment(item)


def _rollout_stuck(seen: Observations) -> Iterator[Labels]:
    for item in _deployments(seen):
        progress = item.condition("Progressing")
        if progress is not None and progress.text("status") == "False":
            labels = _of_deployment(item)
            yield {**labels, "condition": "Progressing", "status": "false", "reason": progress.text("reason")}


def _stateful_mismatch(seen: Observations) -> Iterator[Labels]:
    for item in seen.universe.cluster.storage.views(STATEFUL_SET):
        differs = item.integer("status", "readyReplicas") != item.integer("status", "replicas")
        if differs and not seen.is_rolling(item):
            yield {**_LEAKED, "namespace": item.namespace, "statefulset": item.name}


def _node_not_ready(seen: Observations) -> Iterator[Labels]:
    for node in seen.universe.cluster.storage.views(NODE):
        ready = node.condition("Ready")
        if (ready is None or ready.text("status") != "True") and not node.flag("spec", "unschedulable"):
            yield {**_LEAKED, "node": node.name, "condition": "Ready", "status": "true"}


def _node_unreachable(seen: Observations) -> Iterator[Labels]:
    for node in seen.universe.cluster.storage.views(NODE):
        for taint in node.trees("spec", "taints"):
            if (taint.text("key"), taint.text("effect")) == ("node.kubernetes.io/unreachable", "NoSchedule"):
                yield {**_LEAKED, "node": node.name, "key": taint.text("key"), "effect": "NoSchedule"}


def _quota(seen: Observations, holds: Callable[[float], bool]) -> Iterator[Labels]:
    for quota in seen.universe.cluster.storage.views(RESOURCE_QUOTA):
        for resource, hard in quota.mapping("status", "hard").items():
            used = quota.mapping("status", "used").get(resource)
            if amount(hard) and holds(float(amount(used) / amount(hard))):
                labels = {"namespace": quota.namespace, "resource": resource, "resourcequota": quota.name}
                yield {**labels, "prometheus": "monitoring/k8s"}


def _quota_full(seen: Observations) -> Iterator[Labels]:
    return _quota(seen, lambda ratio: ratio == 1)


def _quota_exceeded(seen: Observations) -> Iterator[Labels]:
    return _quota(seen, lambda ratio: ratio > 1)


def _of_service(item: KubeObject) -> Labels:
    return {"namespace": item.namespace, "service": item.name, "job": "kube-state-metrics"}


def _without_endpoints(seen: Observations) -> Iterator[Labels]:
    for service in seen.services():
        # A workload at zero has an alert of its own.
        behind = seen.workloads_behind(service)
        idle = bool(behind) and all(item.at("spec", "replicas") == 0 for item in behind)
        if not idle and next(seen.endpoints(service), None) is None:
            yield _of_service(service)


def _replicas_zero(seen: Observations) -> Iterator[Labels]:
    for service in seen.services():
        for item in seen.workloads_behind(service):
            if item.kind == "Deployment" and item.at("spec", "replicas") == 0:
                yield _of_deployment(item)


def _probe_failed(seen: Observations) -> Iterator[Labels]:
    for service in seen.services():
        if next(seen.endpoints(service), None) is not None and not seen.answers(service):
            port = next(iter(service.trees("spec", "ports"))).integer("port")
            place = f"http://{service.name}.{service.namespace}.svc:{port}/"
            yield {"namespace": service.namespace, "service": service.name, "job": "blackbox", "instance": place}


RULES: tuple[Rule, ...] = (
    Rule("KubePodCrashLooping", "warning", _QUARTER, _crash_looping, "Pod is crash looping."),
    Rule(
        "KubePodNotReady",
        "warning",
        _QUARTER,
        _pod_not_ready,
        "Pod has been in a non-ready state for more than 15 minutes.",
    ),
    Rule(
        "KubeDeploymentReplicasMismatch",
        "warning",
        _QUARTER,
        _replicas_mismatch,
        "Deployment has not matched the expected number of replicas.",
    ),
    Rule("KubeDeploymentRolloutStuck", "warning", _QUARTER, _rollout_stuck, "Deployment rollout is not progressing."),
    Rule(
        "KubeStatefulSetReplicasMismatch",
        "warning",
        _QUARTER,
        _stateful_mismatch,
        "StatefulSet has not matched the expected number of replicas.",
    ),
    Rule(
        "KubeContainerWaiting",
        "warning",
        timedelta(hours=1),
        _container_waiting,
        "Pod container waiting longer than 1 hour",
    ),
    Rule("KubeNodeNotReady", "warning", _QUARTER, _node_not_ready, "Node is not ready."),
    Rule("KubeNodeUnreachable", "warning", _QUARTER, _node_unreachable, "Node is unreachable."),
    Rule("KubeQuotaFullyUsed", "info", _QUARTER, _quota_full, "Namespace quota is fully used."),
    Rule("KubeQuotaExceeded", "warning", _QUARTER, _quota_exceeded, "Namespace quota has exceeded the limits."),
    Rule("KubernetesContainerOomKiller", "warning", timedelta(0), _out_of_memory, "Kubernetes Container oom killer"),
    Rule(
        "KubeServiceWithoutEndpoints",
        "critical",
        timedelta(minutes=5),
        _without_endpoints,
        "Service has no ready endpoints.",
    ),
    Rule(
        "KubeDeploymentReplicasZero",
        "warning",
        timedelta(minutes=5),
        _replicas_zero,
        "A Deployment behind a Service has no replicas.",
    ),
    Rule("BlackboxProbeFailed", "critical", timedelta(minutes=1), _probe_failed, "Blackbox probe failed"),
)
