"""Which object an alert is about, from its labels.

kube-state-metrics names the object in labels (`namespace`, `deployment`, `pod`, ...). Prometheus adds the labels of
whatever it scraped: `job`, `instance`, and, where the series has none of its own, `namespace`, `pod`, `container` and
`service` of the exporter's pod. Without `honor_labels` it is the other way round: the series' own labels are renamed to
`exported_*`. So an `exported_` label always wins, and a pod or service that looks like an exporter's counts only where
nothing else is named.
"""

from __future__ import annotations

from collections.abc import Mapping

from kubernaut.domain.objects import ObjectRef

# Label, apiVersion, kind: the first that is set wins. What controls pods comes before the pods themselves.
_NAMESPACED = (
    ("deployment", "apps/v1", "Deployment"),
    ("statefulset", "apps/v1", "StatefulSet"),
    ("daemonset", "apps/v1", "DaemonSet"),
    ("replicaset", "apps/v1", "ReplicaSet"),
    ("cronjob", "batch/v1", "CronJob"),
    ("job_name", "batch/v1", "Job"),
    ("horizontalpodautoscaler", "autoscaling/v2", "HorizontalPodAutoscaler"),
    ("poddisruptionbudget", "policy/v1", "PodDisruptionBudget"),
    ("persistentvolumeclaim", "v1", "PersistentVolumeClaim"),
    ("resourcequota", "v1", "ResourceQuota"),
    ("pod", "v1", "Pod"),
    ("service", "v1", "Service"),
    ("ingress", "networking.k8s.io/v1", "Ingress"),
)
_EXPORTERS = ("kube-state-metrics", "node-exporter", "kube-rbac-proxy", "prometheus", "cadvisor")
_SCRAPED = frozenset({"pod", "service", "container", "namespace", "endpoint"})
_KUBELET_JOBS = frozenset({"kubelet", "cadvisor", "kubernetes-cadvisor", "kubernetes-nodes-cadvisor"})


def target_of(labels: Mapping[str, str]) -> ObjectRef | None:
    """The object that the labels name; None where they name none."""
    own = _series_labels(labels)
    return _namespaced(own) or _node(own) or _namespaced(labels) or _namespace(own)


def _series_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that describe the object, without those of the pod that exported the series."""
    own = dict(labels)
    for name, value in labels.items():
        if name.startswith("exported_"):
            own[name.removeprefix("exported_")] = value
    renamed = any(name.startswith("exported_") for name in labels)
    for name in _SCRAPED:
        if f"exported_{name}" not in labels and (renamed or _is_exporters(name, labels)):
            own.pop(name, None)
    return own


def _is_exporters(name: str, labels: Mapping[str, str]) -> bool:
    value = labels.get(name, "")
    job = labels.get("job", "")
    match name:
        case "pod":
            return _looks_exporting(value) or _looks_exporting(labels.get("container", ""))
        case "container":
            return _looks_exporting(value)
        case "service":
            return bool(job) and (value == job or _looks_exporting(value) or job in _KUBELET_JOBS)
        case "endpoint":
            return bool(job)
        case _:
            # The namespace of a cluster-scoped series (a node's) is the exporter's.
            return "node" in labels and _is_exporters("pod", labels) and not _names_workload(labels)


def _looks_exporting(value: str) -> bool:
    return any(name in value for name in _EXPORTERS)


def _names_workload(labels: Mapping[str, str]) -> bool:
    return any(labels.get(label) for label, _, kind in _NAMESPACED if kind not in {"Pod", "Service"})


def _namespaced(labels: Mapping[str, str]) -> ObjectRef | None:
    namespace = labels.get("namespace", "")
    if not namespace:
        return None
    for label, api_version, kind in _NAMESPACED:
        if name := labels.get(label, ""):
            return ObjectRef(api_version, kind, namespace, name)
    return None


def _node(labels: Mapping[str, str]) -> ObjectRef | None:
    name = labels.get("node", "")
    return ObjectRef("v1", "Node", "", name) if name else None


def _namespace(labels: Mapping[str, str]) -> ObjectRef | None:
    name = labels.get("namespace", "")
    return ObjectRef("v1", "Namespace", "", name) if name else None
