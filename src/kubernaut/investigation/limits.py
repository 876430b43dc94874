"""What sets the number of a workload's pods."""

from __future__ import annotations

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.scene import Scene


def autoscalers_of(scene: Scene, workload: KubeObject) -> list[KubeObject]:
    """The HorizontalPodAutoscalers that own the workload's replicas."""
    return [
        item
        for item in scene.all("HorizontalPodAutoscaler", workload.namespace)
        if item.text("spec", "scaleTargetRef", "kind") == workload.kind
        and item.text("spec", "scaleTargetRef", "name") == workload.name
    ]
