"""Which kind a description is of, where the command asked for several: by entries that only that kind has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from kubernaut.adapters.snapshot.outline import Outline
from kubernaut.ports import Resource
from kubernaut.resources import RESOURCES

# A ReplicaSet has nothing that a StatefulSet has not: the narrower ones come first.
_ENTRIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Deployment": ("StrategyType",),
        "StatefulSet": ("Update Strategy", "Replicas"),
        "DaemonSet": ("Desired Number of Nodes Scheduled",),
        "Job": ("Parallelism",),
        "CronJob": ("Schedule",),
        "ReplicaSet": ("Replicas", "Pods Status"),
        "Pod": ("Containers", "Status"),
        "Service": ("Session Affinity",),
        "Node": ("Capacity", "Addresses"),
        "EndpointSlice": ("AddressType",),
        "Ingress": ("Rules", "Default backend"),
        "HorizontalPodAutoscaler": ("Reference", "Metrics"),
        "PersistentVolume": ("Reclaim Policy", "Access Modes"),
        "PersistentVolumeClaim": ("StorageClass", "Access Modes"),
        "PodDisruptionBudget": ("Allowed disruptions",),
        "StorageClass": ("Provisioner",),
        "NetworkPolicy": ("Spec", "Created on"),
        "Namespace": ("Status", "Resource Quotas"),
        "Endpoints": ("Subsets",),
        "ConfigMap": ("Data", "BinaryData"),
        "Secret": ("Type", "Data"),
    }
)

DESCRIBED: Final = tuple(resource for resource in RESOURCES if resource.kind in _ENTRIES)


def kind_of(lines: Sequence[str], candidates: Sequence[Resource]) -> Resource | None:
    """The kind among those that were asked for, None where the description does not tell."""
    if len(candidates) == 1:
        return candidates[0]
    outline = Outline(lines)
    asked = {resource.kind: resource for resource in candidates}
    for kind, entries in _ENTRIES.items():
        if kind in asked and all(outline.has(entry) for entry in entries):
            return asked[kind]
    return None
