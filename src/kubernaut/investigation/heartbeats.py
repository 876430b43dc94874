"""Leases: when a node, or a part of the control plane, was last heard of."""

from __future__ import annotations

from datetime import timedelta

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.scene import Scene

_NODES, _CONTROL_PLANE = "kube-node-lease", "kube-system"
_DEFAULT_DURATION_S = 40


def lease_of_node(scene: Scene, name: str) -> KubeObject | None:
    """The lease that the node's kubelet renews."""
    return scene.get("Lease", _NODES, name)


def lease_of_control_plane(scene: Scene, part: str) -> KubeObject | None:
    """The lease of `kube-scheduler` or `kube-controller-manager`."""
    return scene.get("Lease", _CONTROL_PLANE, part)


def silence(scene: Scene, lease: KubeObject) -> timedelta | None:
    """How long ago the lease was renewed, None where it never was."""
    renewed = lease.time("spec", "renewTime")
    return scene.now - renewed if renewed else None


def is_stale(scene: Scene, lease: KubeObject) -> bool:
    """Whether its holder has been silent for longer than the lease lasts."""
    quiet = silence(scene, lease)
    lasts = timedelta(seconds=min(lease.integer("spec", "leaseDurationSeconds", default=_DEFAULT_DURATION_S), 86_400))
    return quiet is None or quiet > lasts
