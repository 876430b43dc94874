"""An operator's object asks for far more pods than the cluster can hold."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.provenance import last_writer
from kubernaut.domain.quantities import parse_quantity
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.subjects import Workload

_BUILT_IN = ("apps/", "batch/", "v1")
_MANY = 20


def examine(workload: Workload) -> Finding | None:
    """The finding when a custom resource owns the workload and it wants more pods than all nodes may run."""
    item, owner = workload.object, workload.object.controller
    if owner is None or owner.api_version.startswith(_BUILT_IN) or not workload.pending:
        return None
    nodes = workload.scene.all("Node")
    rooms = [parse_quantity(node.at("status", "allocatable", "pods")) or 0 for node in nodes]
    if not nodes or not workload.scene.covers("Node", "") or workload.desired <= max(sum(rooms), _MANY):
        return None
    author = last_writer(item, "spec", "replicas")
    by = f" {author}" if author else ""
    text = (
        f"{owner.kind} {owner.name} asks for {workload.desired} pods; the {len(nodes)} nodes may run {int(sum(rooms))}"
    )
    return Finding(
        target=item.ref,
        summary=f"{workload.title}: {text}. Mend {owner.kind} {owner.name}: it writes the number again.",
        verdict=Verdict.ESCALATE,
        supporting=(
            facts.field(item, "spec.replicas", f"replicas {workload.desired}, written{by}" if by else text),
            facts.field(item, "metadata.ownerReferences", f"{owner.kind} {owner.name} decides about its replicas"),
            facts.field(nodes[0], "status.allocatable.pods", text),
        ),
        remedies=(escalate(item.ref),),
    )


CAUSE = Cause(
    id=CauseId("operator_asks_too_much"),
    title="An operator's object asks for more pods than the cluster can hold",
    faults=(75,),
    needs=("Pod", "Node"),
    look_alikes={"insufficient_resources": "the number is sensible, and the room is short"},
    know="Change the operator's object, not the workload: the operator puts its number back within seconds.",
    by_hand=(
        "kubectl -n {namespace} get {kind}/{name} -o jsonpath='{{.metadata.ownerReferences}} {{.spec.replicas}}'",
        "kubectl get nodes",
    ),
    narrows=("insufficient_resources",),
    workload=examine,
)
