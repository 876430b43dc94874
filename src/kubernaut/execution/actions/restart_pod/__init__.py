"""Deletes one pod, so that its controller makes a fresh one."""

from __future__ import annotations

from kubernaut.domain.changes import ObjectDeletion
from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.domain.workloads import is_ready
from kubernaut.execution.catalogue import Action, NoParameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.marks import MIRROR
from kubernaut.execution.preconditions import being_deleted, first, gone
from kubernaut.execution.selection import selects
from kubernaut.ports import ClusterReader
from kubernaut.resources import DISRUPTION_BUDGET, POD


async def prepare(on: Situation[NoParameters]) -> Prepared | Refused:
    """A deletion of exactly this pod; a successor of the same name is not hit."""
    pod = await on.reader.get(on.target)
    if pod is None:
        return gone(on.target)
    owner = pod.controller
    if owner is None:
        return Refused("bare_pod", f"{pod.ref} has no controller: nothing would make it again")
    refusal = first(being_deleted(pod), _static(pod))
    if refusal:
        return refusal
    others = await _ready_siblings(on.reader, pod, owner)
    refusal = await _forbidden_by_budget(on.reader, pod, others)
    if refusal:
        return refusal
    reach = f"1 pod of {owner}, {others} other ready"
    return Prepared(pod, ObjectDeletion(pod.ref, pod.uid), reach)


def _static(pod: KubeObject) -> Refused | None:
    if MIRROR not in pod.annotations:
        return None
    return Refused("static_pod", f"{pod.ref} is run by its kubelet from a file: deleting it restarts nothing")


async def _ready_siblings(reader: ClusterReader, pod: KubeObject, owner: ObjectRef) -> int:
    listing = await reader.list(POD, pod.namespace)
    return sum(other.controller == owner and other.uid != pod.uid and is_ready(other) for other in listing.items)


async def _forbidden_by_budget(reader: ClusterReader, pod: KubeObject, others: int) -> Refused | None:
    listing = await reader.list(DISRUPTION_BUDGET, pod.namespace)
    for budget in listing.items:
        covers = selects(budget.tree("spec", "selector"), pod.labels)
        used_up = budget.integer("status", "disruptionsAllowed") <= 0
        # A deletion is not held to budgets by the API server, as an eviction is; so it is held to them here.
        if covers and used_up and (is_ready(pod) or others == 0):
            return Refused(
                "disruption_budget", f"{budget.ref} allows no disruption now, and {others} other pods are ready"
            )
    return None


ACTION = Action[NoParameters](
    id=ActionId("restart_pod"),
    summary="deletes one pod that has a controller",
    targets=("Pod",),
    parameters=NoParameters,
    when="one pod of several is stuck or crashes, and its siblings are well",
    never="a pod without a controller, a static pod, or one that a disruption budget protects",
    before="same uid; a controller; a budget that allows it",
    risk=Risk.LOW,
    undo="none needed: the controller replaces the pod",
    replaced=True,
    reads=(Rule("", "pods", ("get", "list")), Rule("policy", "poddisruptionbudgets", ("list",))),
    writes=(Rule("", "pods", ("delete",)),),
    prepare=prepare,
)
