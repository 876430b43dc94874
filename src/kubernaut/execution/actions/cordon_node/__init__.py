"""Keeps new pods off a node."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json
from kubernaut.domain.workloads import is_ready
from kubernaut.execution.catalogue import Action, NoParameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.preconditions import being_deleted, gone
from kubernaut.resources import NODE


async def prepare(on: Situation[NoParameters]) -> Prepared | Refused:
    """`spec.unschedulable`, where another node can take the pods."""
    node = await on.reader.get(on.target)
    if node is None:
        return gone(on.target)
    refusal = being_deleted(node)
    if refusal:
        return refusal
    if node.flag("spec", "unschedulable"):
        return Refused("no_effect", f"{node.ref} is cordoned already")
    listing = await on.reader.list(NODE)
    usable = [each for each in listing.items if is_ready(each) and not each.flag("spec", "unschedulable")]
    others = sum(each.name != node.name for each in usable)
    # Without another node every new pod would stay pending, which is worse than a node in doubt.
    if others == 0:
        return Refused("last_node", f"{node.ref} is the last node that is ready and takes pods")
    cordoned: Json = True
    change = edit(node, setting(node, cordoned, "spec", "unschedulable"))
    return Prepared(node, change, f"1 of {len(listing.items)} nodes, {others} others take pods")


ACTION = Action[NoParameters](
    id=ActionId("cordon_node"),
    summary="keeps new pods off a node; those on it stay",
    targets=("Node",),
    parameters=NoParameters,
    when="a node is not well, and others can take its pods",
    never="the last node that is ready and takes pods",
    before="same uid; not cordoned; another node that is ready and takes pods",
    risk=Risk.MEDIUM,
    undo="spec.unschedulable back to the snapshot",
    reads=(Rule("", "nodes", ("get", "list")),),
    writes=(Rule("", "nodes", ("patch",)),),
    prepare=prepare,
)
