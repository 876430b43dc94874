"""Lets a node take pods again."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.workloads import is_ready
from kubernaut.execution.catalogue import Action, NoParameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, removing
from kubernaut.execution.preconditions import being_deleted, first, gone

# Left by who empties a node on purpose: the cluster autoscaler, Karpenter, kured, upgrade controllers, people.
_REMOVAL_TAINTS = ("ToBeDeletedByClusterAutoscaler", "karpenter.sh/disrupted", "karpenter.sh/disruption")


async def prepare(on: Situation[NoParameters]) -> Prepared | Refused:
    """Takes `spec.unschedulable` away from a node that is ready and that nobody works on."""
    node = await on.reader.get(on.target)
    if node is None:
        return gone(on.target)
    if not node.flag("spec", "unschedulable"):
        return Refused("no_effect", f"{node.ref} is not cordoned")
    refusal = first(being_deleted(node), _maintained(node))
    if refusal:
        return refusal
    if not is_ready(node):
        return Refused("node_not_ready", f"{node.ref} is not ready, so no pod would run there")
    return Prepared(node, edit(node, removing("spec", "unschedulable")), "1 node takes pods again")


def _maintained(node: KubeObject) -> Refused | None:
    marks = [*node.labels, *node.annotations]
    taints = [taint.text("key") for taint in node.trees("spec", "taints")]
    mark = next((key for key in marks if "maintenance" in key.lower() or "kured" in key), None)
    mark = mark or next((key for key in taints if key in _REMOVAL_TAINTS or "maintenance" in key.lower()), None)
    return Refused("maintenance", f"{node.ref} was cordoned on purpose: it has {mark}") if mark else None


ACTION = Action[NoParameters](
    id=ActionId("uncordon_node"),
    summary="lets a cordoned node take pods again",
    targets=("Node",),
    parameters=NoParameters,
    when="pods wait because nodes were left cordoned",
    never="a node in maintenance, about to be removed, or not ready",
    before="same uid; cordoned; ready; no mark of maintenance",
    risk=Risk.MEDIUM,
    undo="spec.unschedulable back to the snapshot",
    reads=(Rule("", "nodes", ("get",)),),
    writes=(Rule("", "nodes", ("patch",)),),
    prepare=prepare,
)
