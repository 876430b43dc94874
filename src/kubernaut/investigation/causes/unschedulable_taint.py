"""Every node that fits has a taint the pod does not tolerate."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import ActionCall, CauseId, Verdict
from kubernaut.domain.provenance import last_writer
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate, way_back
from kubernaut.investigation.scheduling import Blockage, Obstacle, blockage
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference
from kubernaut.investigation.untold import as_far_as_known

_NAMED = re.compile(r"untolerated taint \{([^}]{1,300}?):? ?\}")
_TAINT = re.compile(r"([^=:]+)(?:=[^:]*)?:(NoSchedule|PreferNoSchedule|NoExecute)")


def examine(workload: Workload) -> Finding | None:
    """The finding when taints keep the pod off. Somebody decided on a taint: only a lost toleration is given back."""
    found = blockage(workload)
    if found is None or found.obstacle is not Obstacle.TAINT:
        return None

    def relevant(part: Difference) -> bool:
        return part.touches("tolerations")

    brought = workload.change is not None and any(relevant(part) for part in workload.change.real)
    back = way_back(workload, relevant) if brought else None
    told = workload.change_fact(relevant) if brought else None
    named = [key for key in _NAMED.findall(found.message) if "node-role.kubernetes.io/" not in key]
    taint = f"taint {found.nodes[0].taints[0] if found.nodes else named[0]}" if found.nodes or named else "a taint"
    cleared = _cleared(found)
    words = (
        back.words
        if back
        else as_far_as_known(workload, "The template did not change: the taint is new, or was always there.")
    )
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title}: {len(workload.pending)} pods wait, because the nodes that fit have {taint}. {words}"
        ),
        verdict=back.verdict if back else Verdict.APPROVE if cleared else Verdict.ESCALATE,
        supporting=(*found.facts, *_authors(found), *((told,) if told else ()), *(back.facts if back else ())),
        remedies=back.remedies if back else (*cleared, escalate(workload.ref)),
        places={"pod": found.pod.name, "node": found.nodes[0].node.name if found.nodes else "NODE"},
    )


def _cleared(found: Blockage) -> tuple[ActionCall, ...]:
    """The one taint taken from the first of the nodes that fit; nobody knows whether it is meant, so it is asked."""
    entry = next((entry for entry in found.nodes if len(entry.taints) == 1), None)
    match = _TAINT.fullmatch(entry.taints[0]) if entry else None
    return (call("untaint_node", entry.node.ref, key=match[1], effect=match[2]),) if entry and match else ()


def _authors(found: Blockage) -> list[Fact]:
    """Who tainted the nodes, and when."""
    told = []
    for entry in found.nodes[:1]:
        author = last_writer(entry.node, "spec", "taints")
        if author:
            told.append(facts.change(entry.node, "metadata.managedFields", f"taints were written {author}", author.at))
    return told


CAUSE = Cause(
    id=CauseId("unschedulable_taint"),
    title="The nodes that fit have a taint the pod does not tolerate",
    faults=(22,),
    needs=("Pod", "Node", "ReplicaSet"),
    look_alikes={
        "nodes_cordoned": "the only taint is node.kubernetes.io/unschedulable, which a cordon sets",
        "node_not_ready": "the taint is not-ready or unreachable, which the node controller sets",
        "unschedulable_node_selector": "no node matches, tainted or not",
    },
    know="Ask who tainted the node, and why, before it is removed: a taint may reserve or protect it.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl get nodes -o custom-columns=NAME:.metadata.name,TAINTS:.spec.taints",
        "kubectl describe node {node}",
    ),
    workload=examine,
)
