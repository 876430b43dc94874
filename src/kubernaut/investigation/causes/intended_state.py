"""It looks like a fault, and somebody wants it so."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.condition import of_its_workloads, trouble
from kubernaut.investigation.containers import holds_room, is_ready
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding, Role
from kubernaut.investigation.intent import intended_cordon, intended_pause, intended_zero
from kubernaut.investigation.subjects import Node, Service, Workload


def examine(workload: Workload) -> Finding | None:
    """The finding for a workload that is scaled to zero, paused or gated on purpose, or only keeps room for others."""
    item = workload.object
    if item.kind in {"Deployment", "StatefulSet"} and workload.desired == 0:
        marks = intended_zero(workload)
        none = facts.field(item, "spec.replicas", "replicas: 0")
        words = f"because {marks[0].text}" if marks else "and nothing depends on it"
        return Finding(item.ref, f"{workload.title} has 0 replicas, {words}.", Verdict.DECLINE, (none, *marks[:3]))
    held = intended_pause(workload) or _gates(workload) or _room(workload)
    if held and not trouble(workload):
        return Finding(item.ref, f"{workload.title} is held on purpose: {held[0].text}.", Verdict.DECLINE, tuple(held))
    return None


def _gates(workload: Workload) -> list[Fact]:
    """The scheduling gates that hold its pods back."""
    return [
        facts.field(pod, "spec.schedulingGates", f"the pod waits for {', '.join(gates)}")
        for pod in workload.pods[:1]
        if (gates := [gate.text("name") for gate in pod.trees("spec", "schedulingGates")])
    ]


def _room(workload: Workload) -> list[Fact]:
    """That the pods which are not ready only keep room for others, and wait as they are meant to."""
    waiting = [pod for pod in workload.pods if not is_ready(pod)]
    if not waiting or not all(holds_room(pod) for pod in waiting):
        return []
    priority = waiting[0].integer("spec", "priority")
    text = f"priority {priority}, and it runs nothing: it keeps room for pods of higher priority"
    return [facts.field(waiting[0], "spec.priority", text)]


def examine_service(service: Service) -> Finding | None:
    """The finding for a Service whose workload is meant to have no pods."""
    return of_its_workloads(service, examine)


def examine_node(node: Node) -> Finding | None:
    """The finding for a node in maintenance, or cordoned while nobody waits for it."""
    marks = intended_cordon(node)
    if not node.is_cordoned and (node.is_ready or not marks):
        return None
    if not node.is_ready and not marks:
        return None
    cordoned = facts.field(node.object, "spec.unschedulable", f"unschedulable: {str(node.is_cordoned).lower()}")
    words = f"in maintenance: {marks[0].text}" if marks else "cordoned, and no pod that was seen waits for it"
    return Finding(node.object.ref, f"Node {node.object.name} is {words}.", Verdict.DECLINE, (cordoned, *marks[:3]))


CAUSE = Cause(
    id=CauseId("intended_state"),
    title="It is meant to be so",
    faults=(116,),
    needs=("Pod",),
    look_alikes={
        "scaled_to_zero": "nothing marks the zero as intended, and a Service or an event shows that it is missed",
        "rollout_paused": "nothing marks the pause as intended, and a change waits for it",
        "nodes_cordoned": "nothing marks the cordon as maintenance, and pods wait",
    },
    know="To mark an intention yourself: annotate the object with kubernaut.ai/intended=REASON.",
    by_hand=("kubectl -n {namespace} get {kind}/{name} -o yaml",),
    role=Role.SETTLED,
    workload=examine,
    service=examine_service,
    node=examine_node,
)
