"""Lets a node take pods again."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.workloads import is_ready
from kubernaut.execution.catalogue import Action, NoParameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, removing
from kubernaut.execution.marks import maintained
from kubernaut.execution.preconditions import being_deleted, first, gone


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
    mark = maintained(node)
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
