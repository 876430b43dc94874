"""No node has the labels that the pod demands."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import way_back
from kubernaut.investigation.scheduling import Obstacle, blockage
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference


def examine(workload: Workload) -> Finding | None:
    """The finding when nodeSelector or required node affinity matches no node at all."""
    found = blockage(workload)
    if found is None or found.obstacle is not Obstacle.SELECTOR:
        return None

    def relevant(part: Difference) -> bool:
        return part.touches("nodeSelector", "nodeAffinity", "affinity")

    brought = workload.change is not None and any(relevant(part) for part in workload.change.real)
    back = way_back(workload, relevant)
    told = workload.change_fact(relevant) if brought else None
    demand = found.nodes[0].mismatch if found.nodes else "its node selector or affinity"
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: {len(workload.pending)} pods wait, because no node meets {demand}. {back.words}",
        verdict=back.verdict,
        supporting=(*found.facts, *((told,) if told else ()), *back.facts),
        remedies=back.remedies,
        places={"pod": found.pod.name},
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
