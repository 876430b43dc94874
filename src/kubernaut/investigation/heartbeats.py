"""Leases: when a node was last heard of."""

from __future__ import annotations

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.scene import Scene

_NODES = "kube-node-lease"


def lease_of_node(scene: Scene, name: str) -> KubeObject | None:
    """The lease that the node's kubelet renews."""
    return scene.get("Lease", _NODES, name)
