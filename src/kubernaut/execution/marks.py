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
