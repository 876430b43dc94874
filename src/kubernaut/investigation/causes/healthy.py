"""Nothing is wrong."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.condition import family, healed_restarts, is_whole, readiness, recent_warnings, works
from kubernaut.investigation.finding import Cause, Finding, Role
from kubernaut.investigation.subjects import Node, Service, Workload


def examine(workload: Workload) -> Finding | None:
    """The finding when all is as wanted, and was during the last hour."""
    scene = workload.scene
    if not is_whole(workload) or recent_warnings(scene, family(workload)) or healed_restarts(workload):
        return None
    if workload.desired == 0 and workload.object.kind in {"Deployment", "StatefulSet"}:
        return None
    told = readiness(workload)
    return Finding(workload.ref, f"{workload.title} is healthy: {told.text}.", Verdict.DECLINE, (told,))


def examine_service(service: Service) -> Finding | None:
    """The finding when the Service reaches a ready pod, and nothing keeps its address from it."""
    if not works(service) or _lacks_address(service):
        return None
    reached = f"{service.ready_endpoints} ready addresses"
    text = reached if service.is_routed_by_labels else "no selector of its own"
    told = facts.field(service.object, "endpoints", text)
    return Finding(service.object.ref, f"Service {service.object.name} is healthy: {text}.", Verdict.DECLINE, (told,))


def _lacks_address(service: Service) -> bool:
    """Whether nobody outside can reach it: it has no load balancer, and its controller says why."""
    item = service.object
    wants_one = item.text("spec", "type") == "LoadBalancer" and not item.trees("status", "loadBalancer", "ingress")
    return wants_one and bool(recent_warnings(service.scene, [item]))


def examine_node(node: Node) -> Finding | None:
    """The finding when the node is ready and takes pods."""
    if not node.is_ready or node.is_cordoned:
        return None
    told = facts.field(node.object, "status.conditions[Ready]", "Ready is True")
    return Finding(node.object.ref, f"Node {node.object.name} is ready.", Verdict.DECLINE, (told,))


CAUSE = Cause(
    id=CauseId("healthy"),
    title="Nothing is wrong",
    faults=(114,),
    needs=("Pod",),
    look_alikes={"self_healed": "there were warnings within the last hour"},
    know="An alert about a healthy object may be late, or measure what objects do not show: see its expression.",
    by_hand=("kubectl -n {namespace} get {kind}/{name}",),
    role=Role.SETTLED,
    workload=examine,
    service=examine_service,
    node=examine_node,
)
