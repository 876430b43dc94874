"""The nodes that fit have too little room for what the pod requests."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import escalate, way_back
from kubernaut.investigation.scheduling import Obstacle, blockage, coming_node
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference
from kubernaut.investigation.untold import as_far_as_known


def examine(workload: Workload) -> Finding | None:
    """The finding when requests do not fit; while an autoscaler is adding a node there is nothing to do."""
    found = blockage(workload)
    if found is None or found.obstacle is not Obstacle.RESOURCES or coming_node(workload.scene, found.pod):
        return None

    def relevant(part: Difference) -> bool:
        return part.touches("requests", "resources")

    brought = workload.change is not None and any(relevant(part) for part in workload.change.real)
    back = way_back(workload, relevant) if brought else None
    told = workload.change_fact(relevant) if brought else None
    scene = workload.scene
    growing = [facts.event(entry) for entry in scene.events_of(found.pod, "TriggeredScaleUp", "Nominated")[:1]]
    stuck = [facts.event(entry) for entry in scene.events_of(found.pod, "NotTriggerScaleUp")[:1]]
    words = (
        back.words
        if back
        else as_far_as_known(workload, "The requests did not change: the cluster is full, or lost nodes.")
    )
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: {len(workload.pending)} pods wait for room: {_short(found.message)}. {words}",
        verdict=back.verdict if back else Verdict.ESCALATE,
        supporting=(*found.facts, *stuck, *((told,) if told else ()), *(back.facts if back else ())),
        contradicting=tuple(growing),
        remedies=back.remedies if back else (escalate(workload.ref),),
        places={"pod": found.pod.name},
    )


def _short(message: str) -> str:
    return message.partition(" preemption:")[0].rstrip(". ")


CAUSE = Cause(
    id=CauseId("insufficient_resources"),
    title="No node has room for what the pod requests",
    faults=(18, 19, 109),
    needs=("Pod", "Node", "ReplicaSet"),
    look_alikes={
        "quota_exceeded": "the pod was never made; here it is there and Pending",
        "nodes_cordoned": "there would be room on a cordoned node",
    },
    know="A request larger than any node never fits; otherwise capacity is short, or requests are far above use.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl describe nodes | grep -A 8 'Allocated resources'",
        "kubectl top nodes",
    ),
    workload=examine,
)
