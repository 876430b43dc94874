"""Keeps pods off a node unless they tolerate a taint."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json, KubeObject
from kubernaut.execution.capacity import takes_pods
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.marks import CONTROL_PLANE_TAINTS, TAINT_KEY
from kubernaut.execution.targets import find
from kubernaut.resources import NODE

_VALUE = r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$"


class TaintParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which taint. One that evicts at once is not offered: `drain_node` honours budgets."""

    key: Annotated[str, Meta(pattern=TAINT_KEY, max_length=316, description="the taint's key")]
    value: Annotated[str, Meta(pattern=_VALUE, description="its value")] = ""
    effect: Annotated[Literal["NoSchedule", "PreferNoSchedule"], Meta(description="what it does")] = "NoSchedule"


async def prepare(on: Situation[TaintParameters]) -> Prepared | Refused:
    """The taint beside those that are there."""
    node = await find(on)
    if isinstance(node, Refused):
        return node
    wanted = on.parameters
    if wanted.key.startswith(CONTROL_PLANE_TAINTS):
        return Refused("reserved", f"{wanted.key} is set and cleared by the control plane")
    if any(_same(taint.text("key"), taint.text("effect"), wanted) for taint in node.trees("spec", "taints")):
        return Refused("no_effect", f"{node.ref} has the taint {wanted.key} already")
    nodes = (await on.reader.list(NODE)).items
    others = sum(each.name != node.name and takes_pods(each) for each in nodes)
    if others == 0:
        return Refused("last_node", f"{node.ref} is the last node that takes pods")
    entry: Json = {"key": wanted.key, "effect": wanted.effect, **({"value": wanted.value} if wanted.value else {})}
    taints: list[Json] = [*_taints(node), entry]
    change = edit(node, setting(node, taints, "spec", "taints"))
    return Prepared(node, change, f"1 of {len(nodes)} nodes, {others} others take pods")


def _same(key: str, effect: str, wanted: TaintParameters) -> bool:
    return (key, effect) == (wanted.key, wanted.effect)


def _taints(node: KubeObject) -> list[Json]:
    return [dict(taint.raw) for taint in node.trees("spec", "taints")]


ACTION = Action[TaintParameters](
    id=ActionId("taint_node"),
    summary="keeps pods off a node unless they tolerate a taint; those on it stay",
    targets=("Node",),
    parameters=TaintParameters,
    when="some pods must not be placed on a node, and others may",
    never="the last node that takes pods, or with a key of the control plane",
    before="same uid; no such taint yet; another node that takes pods",
    risk=Risk.MEDIUM,
    undo="taints back to the snapshot",
    reads=(Rule("", "nodes", ("get", "list")),),
    writes=(Rule("", "nodes", ("patch",)),),
    prepare=prepare,
)
