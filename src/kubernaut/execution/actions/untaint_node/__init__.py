"""Takes a stray taint from a node."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json, KubeObject
from kubernaut.domain.workloads import is_ready
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, removing, setting
from kubernaut.execution.marks import CONTROL_PLANE_TAINTS, REMOVAL_TAINTS, TAINT_KEY, maintained
from kubernaut.execution.targets import find


class UntaintParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which taint."""

    key: Annotated[str, Meta(pattern=TAINT_KEY, max_length=316, description="the taint's key")]
    effect: Annotated[Literal["NoSchedule", "PreferNoSchedule", "NoExecute"], Meta(description="what it does")]


async def prepare(on: Situation[UntaintParameters]) -> Prepared | Refused:
    """The taints without that one, on a node that is ready and that nobody works on."""
    node = await find(on, _maintained)
    if isinstance(node, Refused):
        return node
    key, effect = on.parameters.key, on.parameters.effect
    if key.startswith(CONTROL_PLANE_TAINTS) or key in REMOVAL_TAINTS:
        return Refused("reserved", f"{key} is set and cleared by the control plane or an autoscaler")
    taints = node.trees("spec", "taints")
    kept: list[Json] = [dict(each.raw) for each in taints if (each.text("key"), each.text("effect")) != (key, effect)]
    if len(kept) == len(taints):
        return Refused("no_effect", f"{node.ref} has no taint {key} with {effect}")
    if not is_ready(node):
        return Refused("node_not_ready", f"{node.ref} is not ready, so no pod would run there")
    operation = setting(node, kept, "spec", "taints") if kept else removing("spec", "taints")
    return Prepared(node, edit(node, operation), "1 node takes pods that do not tolerate the taint")


def _maintained(node: KubeObject) -> Refused | None:
    mark = maintained(node)
    return Refused("maintenance", f"somebody works on {node.ref}: it has {mark}") if mark else None


ACTION = Action[UntaintParameters](
    id=ActionId("untaint_node"),
    summary="takes one taint from a node",
    targets=("Node",),
    parameters=UntaintParameters,
    when="pods wait because of a taint that nobody owns",
    never="a taint of the control plane, an autoscaler or a maintenance, which may all be meant; always with approval",
    before="same uid; the taint is there; the node is ready; no mark of maintenance",
    risk=Risk.MEDIUM,
    undo="taints back to the snapshot",
    approval=True,
    reads=(Rule("", "nodes", ("get",)),),
    writes=(Rule("", "nodes", ("patch",)),),
    prepare=prepare,
)
