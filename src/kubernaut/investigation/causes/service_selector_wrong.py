"""A Service selects no pod, while ready pods differ from its selector in a single label."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.routing import Proposal, applied_selector, edited, nearest_selectors
from kubernaut.investigation.subjects import Service

_LEADER = "control-plane.alpha.kubernetes.io/leader"


def examine(service: Service) -> Finding | None:
    """The finding when the selector fits nobody; not when its pods are only gone, not ready or scaled to zero."""
    item = service.object
    if not service.is_routed_by_labels or service.selected or service.ready_endpoints or _LEADER in item.annotations:
        return None
    proven = _proven(service)
    if service.workloads or proven is None:
        return None
    proposal, sure = _proposal(service)
    if proposal is None:
        return None
    asked = ",".join(f"{key}={value}" for key, value in sorted(service.selector.items()))
    return Finding(
        target=item.ref,
        summary=f"Service {item.name} selects no pod: {proven.text}. Ready pods have {proposal}.",
        verdict=Verdict.ACT if sure else Verdict.APPROVE,
        supporting=(
            proven,
            *proposal.facts,
            *edited(service, "spec", "selector"),
        ),
        contradicting=proposal.against,
        remedies=(call("fix_service_selector", item.ref, selector=str(proposal)), escalate(item.ref)),
        places={"selector": asked},
    )


def _proven(service: Service) -> Fact | None:
    """That nothing carries its labels: all pods were read, or its addresses were and there are none."""
    item = service.object
    asked = ",".join(f"{key}={value}" for key, value in sorted(service.selector.items()))
    if service.scene.covers("Pod", item.namespace):
        return facts.absence(item, "pods", f"no pod in {item.namespace} has {asked}")
    slices = service.scene.all("EndpointSlice", item.namespace)
    if any(part.labels.get("kubernetes.io/service-name") == item.name for part in slices):
        return facts.field(item, "endpoints", f"it has no endpoints, and asks for {asked}")
    return None


def _proposal(service: Service) -> tuple[Proposal | None, bool]:
    """The selector to return to, and whether it is the only one that makes sense."""
    applied = applied_selector(service)
    near = nearest_selectors(service)
    if applied:
        return applied, True
    free = [entry for entry in near if not entry.against]
    if len(free) == 1:
        return free[0], len(near) == 1
    return (near[0], False) if near else (None, False)


CAUSE = Cause(
    id=CauseId("service_selector_wrong"),
    title="A Service's selector fits no pod",
    faults=(79,),
    needs=("Service", "Pod", "EndpointSlice", "Deployment", "StatefulSet", "DaemonSet"),
    look_alikes={
        "scaled_to_zero": "a workload of these labels exists and has no pods",
        "crash_after_change": "the selected pods exist and are not ready: the cause is at the pods",
        "intended_state": "the standby Service of a blue-green pair: another Service reaches the pods",
    },
    know="Compare the selector with the pods' labels: most often one label was added, renamed or misspelt.",
    by_hand=(
        "kubectl -n {namespace} get pods --show-labels",
        "kubectl -n {namespace} get pods -l {selector}",
        "kubectl -n {namespace} describe service {name}",
    ),
    service=examine,
)
