"""How far a workload's pods are, read the same way for a Deployment, a StatefulSet, a DaemonSet and a ReplicaSet."""

from __future__ import annotations

from dataclasses import dataclass

from kubernaut.domain.objects import KubeObject


@dataclass(frozen=True, slots=True)
class Rollout:
    """Pods wanted, of the newest template, present and ready; `observed` where the status is of the present spec."""

    wanted: int
    updated: int
    present: int
    ready: int
    observed: bool

    @property
    def settled(self) -> bool:
        """Whether all pods, well or not, have the newest template, and no others are left."""
        # As `kubectl rollout status`, but for readiness: a rollout that failed has ended as well.
        return self.observed and self.updated >= self.wanted and self.present <= self.wanted


def rollout_of(workload: KubeObject) -> Rollout:
    """What the workload's status says."""
    status = workload.tree("status")
    observed = status.integer("observedGeneration") >= workload.generation
    wanted = wanted_pods(workload)
    if workload.kind == "DaemonSet":
        updated, present = status.integer("updatedNumberScheduled"), status.integer("currentNumberScheduled")
        return Rollout(wanted, updated, present, status.integer("numberReady"), observed)
    present, ready = status.integer("replicas"), status.integer("readyReplicas")
    updated = status.integer("updatedReplicas")
    if workload.kind == "ReplicaSet":
        updated = present
    elif workload.kind == "StatefulSet" and status.text("currentRevision") == status.text("updateRevision"):
        # A StatefulSet that is up to date may report its pods as current instead of updated.
        updated = max(updated, status.integer("currentReplicas"))
    return Rollout(wanted, updated, present, ready, observed)


def wanted_pods(workload: KubeObject) -> int:
    """How many pods the workload should have."""
    if workload.kind == "DaemonSet":
        return workload.integer("status", "desiredNumberScheduled")
    # Absent means one: the API server fills it in, but a saved manifest may not have passed it.
    return workload.integer("spec", "replicas", default=1)


def is_ready(item: KubeObject) -> bool:
    """Whether a pod or a node says that it is ready."""
    condition = item.condition("Ready")
    return condition is not None and condition.text("status") == "True"
