"""Moves a workload's pods off one node, by its own rolling update."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef, Tree, copied
from kubernaut.execution.capacity import no_room_elsewhere
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.preconditions import rolling_out, rolling_reach
from kubernaut.execution.revisions import paused, replaced_by_hand
from kubernaut.execution.targets import find, workload_rules
from kubernaut.resources import NODE, POD, REPLICA_SET

_HOST = "kubernetes.io/hostname"
_PATH = ("spec", "template", "spec", "affinity")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


class NodeParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which node it leaves."""

    node: Annotated[str, Meta(min_length=1, max_length=253, description="name of the node")]


async def prepare(on: Situation[NodeParameters]) -> Prepared | Refused:
    """A rule that keeps the pods off the node, beside the rules that they have, where others have room."""
    workload = await find(on, paused, replaced_by_hand, rolling_out)
    if isinstance(workload, Refused):
        return workload
    node = await on.reader.get(ObjectRef("v1", "Node", "", on.parameters.node))
    if node is None:
        return Refused("node_missing", f"there is no node {on.parameters.node}")
    affinity = workload.tree(*_PATH)
    wanted = _away_from(affinity, node.labels.get(_HOST, node.name))
    if wanted == affinity.raw:
        return Refused("no_effect", f"{workload.ref} keeps off node {node.name} already")
    nodes = (await on.reader.list(NODE)).items
    listing = await on.reader.list(POD)
    owners = await _owners(on, workload)
    here = [pod for pod in listing.items if pod.text("spec", "nodeName") == node.name]
    leaving = [pod for pod in here if pod.controller in owners]
    refusal = None
    if not listing.complete:
        refusal = Refused("not_read", "not all pods of the cluster could be read")
    elif not leaving:
        refusal = Refused("no_pods", f"no pod of {workload.ref} is on node {node.name}")
    refusal = refusal or no_room_elsewhere(nodes, listing.items, leaving, node.name)
    if refusal:
        return refusal
    value: Json = wanted
    reach = f"{len(leaving)} pods leave 1 of {len(nodes)} nodes; {rolling_reach(workload)}"
    return Prepared(workload, edit(workload, setting(workload, value, *_PATH)), reach)


async def _owners(on: Situation[NodeParameters], workload: KubeObject) -> set[ObjectRef]:
    if workload.kind != "Deployment":
        return {workload.ref}
    sets = (await on.reader.list(REPLICA_SET, workload.namespace)).items
    return {each.ref for each in sets if each.controller == workload.ref}


def _away_from(affinity: Tree, host: str) -> JsonObject:
    """The affinity with one more expression in each of its terms: terms are alternatives, expressions all count."""
    result = copied(dict(affinity.raw))
    required = affinity.tree("nodeAffinity", _REQUIRED)
    away: JsonObject = {"key": _HOST, "operator": "NotIn", "values": [host]}
    terms: list[Json] = []
    # The rule has to stand in each of the alternatives: in one alone the others would still lead to the node.
    for term in required.trees("nodeSelectorTerms") or [Tree({})]:
        expressions = [dict(each.raw) for each in term.trees("matchExpressions")]
        added: list[Json] = [*expressions] if away in expressions else [*expressions, away]
        terms.append({**term.raw, "matchExpressions": added})
    result["nodeAffinity"] = {**affinity.tree("nodeAffinity").raw, _REQUIRED: {"nodeSelectorTerms": terms}}
    return result


ACTION = Action[NodeParameters](
    id=ActionId("migrate_workload"),
    summary="keeps a workload off one node, so that its rolling update moves its pods",
    targets=("Deployment", "StatefulSet"),
    parameters=NodeParameters,
    when="one workload suffers from one node, and the node's other pods do not",
    never="where no other node has room, or for pods that are bound to the node by their volume",
    before="same uid; not rolling out; pods of it on the node; room for them elsewhere; owner free",
    risk=Risk.MEDIUM,
    undo="affinity back to the snapshot",
    reads=(
        *workload_rules("get", "Deployment", "StatefulSet"),
        Rule("", "nodes", ("get", "list")),
        Rule("", "pods", ("list",)),
        Rule("apps", "replicasets", ("list",)),
    ),
    writes=workload_rules("patch", "Deployment", "StatefulSet"),
    prepare=prepare,
)
