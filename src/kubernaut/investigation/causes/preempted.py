"""Pods of higher priority pushed the workload's pods from their nodes, and no room is left for them."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.unplaced import unplaced

_SHOWN = 3


def examine(workload: Workload) -> Finding | None:
    """The finding when pods of it were preempted and the ones made in their place wait."""
    waiting = unplaced(workload)
    pushed = _preempted(workload) if waiting else []
    if waiting is None or not pushed:
        return None
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title}: {len(workload.pending)} pods wait because pods of higher priority took their place. "
            f"{waiting.short}."
        ),
        verdict=Verdict.ESCALATE,
        supporting=(*waiting.facts, *(facts.event(entry) for entry in pushed[:1]), *_above(workload, waiting.pod)),
        remedies=(escalate(workload.ref),),
        places={"pod": waiting.pod.name},
    )


def _preempted(workload: Workload) -> list[KubeObject]:
    makers = [revision.source.name for revision in workload.revisions] or [workload.object.name]
    found = []
    for name in makers:
        found += workload.scene.events_of_pods_named(workload.object.namespace, f"{name}-", "Preempted")
    return found


def _above(workload: Workload, pod: KubeObject) -> list[Fact]:
    """The running pods seen that have a higher priority, the highest first."""
    own = pod.integer("spec", "priority")
    higher = [
        other
        for other in workload.scene.all("Pod")
        if other.integer("spec", "priority") > own and other.has("spec", "nodeName")
    ]
    higher.sort(key=lambda other: -other.integer("spec", "priority"))
    return [
        facts.field(other, "spec.priority", f"{other.name} has priority {other.integer('spec', 'priority')}, not {own}")
        for other in higher[:_SHOWN]
        if not other.namespace.startswith("kube-")
    ]


CAUSE = Cause(
    id=CauseId("preempted"),
    title="Pods of higher priority pushed these from their nodes",
    faults=(26,),
    needs=("Pod", "Event"),
    look_alikes={
        "insufficient_resources": "nothing was pushed away: there was never room",
        "evicted_by_node": "the node was short of something and evicted by itself",
    },
    know="A PriorityClass with globalDefault gives its priority to every pod that names none and is made from then on.",
    by_hand=(
        "kubectl get priorityclasses",
        "kubectl get pods -A -o custom-columns=NS:.metadata.namespace,NAME:.metadata.name,PRIORITY:.spec.priority",
        "kubectl -n {namespace} get events --field-selector reason=Preempted",
    ),
    narrows=("insufficient_resources",),
    workload=examine,
)
