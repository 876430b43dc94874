"""What bounds a workload's pods in number, size, rank and rights."""

from __future__ import annotations

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.domain.selectors import matches, selector_of
from kubernaut.investigation.naming import Named, named
from kubernaut.investigation.scene import Scene


def quotas_in(scene: Scene, namespace: str) -> list[KubeObject]:
    """The ResourceQuotas of the namespace."""
    return scene.all("ResourceQuota", namespace)


def ranges_in(scene: Scene, namespace: str, kind: str = "Container") -> list[tuple[KubeObject, Tree]]:
    """The limits of the namespace's LimitRanges for that type (`Container`, `Pod`, `PersistentVolumeClaim`)."""
    return [
        (item, entry)
        for item in scene.all("LimitRange", namespace)
        for entry in item.trees("spec", "limits")
        if entry.text("type") == kind
    ]


def budgets_on(scene: Scene, pod: KubeObject) -> list[KubeObject]:
    """The PodDisruptionBudgets that count the pod."""
    labels = pod.labels
    return [
        item
        for item in scene.all("PodDisruptionBudget", pod.namespace)
        if item.has("spec", "selector") and matches(selector_of(item.tree("spec", "selector")), labels)
    ]


def autoscalers_of(scene: Scene, workload: KubeObject) -> list[KubeObject]:
    """The HorizontalPodAutoscalers that own the workload's replicas."""
    return [
        item
        for item in scene.all("HorizontalPodAutoscaler", workload.namespace)
        if item.text("spec", "scaleTargetRef", "kind") == workload.kind
        and item.text("spec", "scaleTargetRef", "name") == workload.name
    ]


def priority_class_of(scene: Scene, spec: Tree) -> Named | None:
    """The PriorityClass that a pod spec names, the global default where it names none."""
    name = spec.text("priorityClassName")
    if name:
        return named(scene, "PriorityClass", "", name, "spec.priorityClassName")
    default = next((item for item in scene.all("PriorityClass") if item.flag("globalDefault")), None)
    return Named("PriorityClass", default.name, "the global default", default, False) if default else None  # noqa: FBT003


def account_of(scene: Scene, namespace: str, spec: Tree) -> Named:
    """The ServiceAccount that a pod spec runs as."""
    name = spec.text("serviceAccountName") or spec.text("serviceAccount") or "default"
    return named(scene, "ServiceAccount", namespace, name, "spec.serviceAccountName")
