"""A Service only sends to pods on the caller's own node, and there is none on some."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.provenance import last_applied, last_writer
from kubernaut.investigation import facts
from kubernaut.investigation.containers import is_ready
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.routing import edited
from kubernaut.investigation.subjects import Service

_DELIVERY = re.compile(r"(?i)helm|argo|flux|kustomize|terraform|pulumi|apply")


def examine(service: Service) -> Finding | None:
    """The finding when internalTrafficPolicy was set to Local afterwards and nodes are without a pod of it."""
    item, scene = service.object, service.scene
    if item.text("spec", "internalTrafficPolicy") != "Local" or not scene.covers("Node", ""):
        return None
    changed = edited(service, "spec", "internalTrafficPolicy")
    applied = last_applied(item)
    meant = applied is not None and applied.text("spec", "internalTrafficPolicy") == "Local"
    meant = meant or _is_of_every_node(service) or _is_delivered(service)
    served = {pod.text("spec", "nodeName") for pod in service.selected if is_ready(pod)}
    bare = sorted(node.name for node in scene.all("Node") if node.name not in served)
    if meant or not changed or not served or not bare:
        return None
    # Local may be meant, so what was applied is asked for and not put back at once.
    mended = (call("restore_service", item.ref, part="traffic_policy"),) if applied is not None else ()
    text = f"{len(bare)} nodes have no ready pod of it: {', '.join(bare[:3])}"
    return Finding(
        target=item.ref,
        summary=f"Service {item.name} only sends to pods on the caller's own node, and {text}. Calls from there fail.",
        verdict=Verdict.APPROVE if mended else Verdict.ESCALATE,
        supporting=(
            facts.field(item, "spec.internalTrafficPolicy", "internalTrafficPolicy: Local"),
            facts.absence(item, "nodes", text),
            *changed,
        ),
        remedies=(*mended, escalate(item.ref)),
    )


def _is_of_every_node(service: Service) -> bool:
    """Whether a DaemonSet serves it: then Local is how it should be, and a node without a pod lacks the pod."""
    return any(service.scene.top_of(pod).kind == "DaemonSet" for pod in service.selected)


def _is_delivered(service: Service) -> bool:
    """Whether a delivery tool wrote it, and not a person."""
    author = last_writer(service.object, "spec", "internalTrafficPolicy")
    return author is not None and _DELIVERY.search(author.manager) is not None


CAUSE = Cause(
    id=CauseId("traffic_kept_on_node"),
    title="A Service only sends to pods on the caller's node",
    faults=(88,),
    needs=("Service", "Pod", "Node"),
    look_alikes={"healthy": "it was applied so, as is usual for agents that run on every node"},
    know="Only callers on nodes without a pod of it fail: the fault seems to move with the caller.",
    by_hand=(
        "kubectl -n {namespace} get service {name} -o jsonpath='{{.spec.internalTrafficPolicy}}'",
        "kubectl -n {namespace} get pods -o wide",
    ),
    service=examine,
)
