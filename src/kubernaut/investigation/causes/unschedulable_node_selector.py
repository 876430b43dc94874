"""No node has the labels that the pod demands."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.placement import obstacles
from kubernaut.investigation.proving import worked_before
from kubernaut.investigation.remedies import WayBack, escalate, way_back
from kubernaut.investigation.scheduling import Obstacle, blockage
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference


def examine(workload: Workload) -> Finding | None:
    """The finding when nodeSelector or required node affinity matches no node at all."""
    if workload.object.kind == "DaemonSet" and not workload.desired and not workload.live:
        return _for_no_node(workload)
    found = blockage(workload)
    if found is None or found.obstacle is not Obstacle.SELECTOR:
        return None
    proof = worked_before(workload)
    back = _as_it_was(workload, proof) if proof else way_back(workload, _relevant)
    told = workload.change_fact(_relevant) if _is_brought(workload) and not proof else None
    demand = found.nodes[0].mismatch if found.nodes else "its node selector or affinity"
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: {len(workload.pending)} pods wait, because no node meets {demand}. {back.words}",
        verdict=back.verdict,
        supporting=(*found.facts, *((told,) if told else ()), *back.facts),
        remedies=back.remedies,
        places={"pod": found.pod.name},
    )


def _as_it_was(workload: Workload, proof: Fact) -> WayBack:
    """The template is the one that found nodes: what changed are these."""
    words = "Pods of this template had nodes before: nodes lost a label, or went."
    return WayBack(Verdict.ESCALATE, (escalate(workload.ref),), (proof,), words)


def _relevant(part: Difference) -> bool:
    return part.touches("nodeSelector", "nodeAffinity", "affinity")


def _is_brought(workload: Workload) -> bool:
    return workload.change is not None and any(_relevant(part) for part in workload.change.real)


def _for_no_node(workload: Workload) -> Finding | None:
    """A DaemonSet that fits on no node has no pod, and no event says so. It is a fault where it had some before."""
    scene, item = workload.scene, workload.object
    nodes = scene.all("Node")
    told = workload.change_fact(_relevant) if _is_brought(workload) else None
    if told is None or not nodes or not scene.covers("Node", ""):
        return None
    asked = KubeObject({"spec": {**workload.template.tree("spec").raw}})
    unmet = [text for node in nodes if (text := obstacles(asked, node).mismatch)]
    if len(unmet) < len(nodes):
        return None
    back = way_back(workload, _relevant)
    text = f"none of the {len(nodes)} nodes meets {unmet[0]}"
    return Finding(
        target=workload.ref,
        summary=f"{workload.title} has no pod, because {text}. {back.words}",
        verdict=back.verdict,
        supporting=(
            facts.field(item, "status.desiredNumberScheduled", "it is meant to run on 0 nodes"),
            facts.absence(item, "spec.template.spec.nodeSelector", text),
            told,
            *back.facts,
        ),
        remedies=back.remedies,
    )


CAUSE = Cause(
    id=CauseId("unschedulable_node_selector"),
    title="No node matches the pod's selector or affinity",
    faults=(20, 21),
    needs=("Pod", "Node", "ReplicaSet"),
    look_alikes={
        "nodes_cordoned": "nodes match, but are cordoned",
        "unschedulable_taint": "nodes match, but have a taint",
        "insufficient_resources": "nodes match, but have no room",
    },
    know="Either the demand is wrong or a node lost its label; kubectl get nodes --show-labels shows which.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl get nodes --show-labels",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    workload=examine,
)
