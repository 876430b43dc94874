"""What people and tools leave on an object to say that its state is meant."""

from __future__ import annotations

from typing import Final

from kubernaut.domain.objects import KubeObject

INTENDED: Final = "kubernaut.ai/intended"
IDEMPOTENT: Final = "kubernaut.ai/idempotent"
MAY_RELAX: Final = "kubernaut.ai/may-relax"
CEILING: Final = "ceiling.kubernaut.ai/"
# Left by who empties a node on purpose: the cluster autoscaler, Karpenter, kured, upgrade controllers, people.
REMOVAL_TAINTS: Final = ("ToBeDeletedByClusterAutoscaler", "karpenter.sh/disrupted", "karpenter.sh/disruption")
# Prefixes of taints that the control plane sets and clears by itself.
CONTROL_PLANE_TAINTS: Final = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")
# The key of a taint, as of a label: a name of 63 characters, before it perhaps a domain.
TAINT_KEY: Final = r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"
# A kubelet's picture of a pod that it runs from a file: to delete the picture stops nothing.
MIRROR: Final = "kubernetes.io/config.mirror"
_WORDS: Final = ("on-purpose", "paused-by", "suspended-by", "freeze", "maintenance", "do-not-")


def marked_as_intended(item: KubeObject) -> str:
    """The label or annotation that says so, empty where there is none."""
    marks = [*item.labels, *item.annotations]
    return next((key for key in marks if key == INTENDED or any(word in key.lower() for word in _WORDS)), "")


def maintained(node: KubeObject) -> str:
    """The mark that says that somebody works on a node, empty where there is none."""
    marks = [*node.labels, *node.annotations]
    taints = [taint.text("key") for taint in node.trees("spec", "taints")]
    mark = next((key for key in marks if "maintenance" in key.lower() or "kured" in key), "")
    return mark or next((key for key in taints if key in REMOVAL_TAINTS or "maintenance" in key.lower()), "")
