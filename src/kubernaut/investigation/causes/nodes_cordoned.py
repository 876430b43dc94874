"""Pods wait because the nodes that would take them are cordoned."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.provenance import last_writer
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.intent import intended_cordon
from kubernaut.investigation.remedies import call
from kubernaut.investigation.scheduling import Blockage, Obstacle, blockage
from kubernaut.investigation.subjects import Node, Workload


def examine(workload: Workload) -> Finding | None:
    """The finding when every node that fits is cordoned and none of them bears a mark of maintenance."""
    found = blockage(workload)
    if found is None or found.obstacle is not Obstacle.CORDON:
        return None
    nodes = [entry.node for entry in found.nodes] or _cordoned(workload)
    if not nodes:
        return _unseen(workload, found)
    free = [node for node in nodes if not intended_cordon(Node(workload.scene, node))]
    marked = [fact for node in nodes for fact in intended_cordon(Node(workload.scene, node))]
    # With every node in maintenance the finding stands, but nothing is recommended.
    target = (free or nodes)[0]
    names = ", ".join(node.name for node in nodes[:3])
    words = "Maintenance is marked, so people decide." if not free else "Nothing marks it as maintenance."
    return Finding(
        target=target.ref,
        summary=(
            f"{workload.title}: {len(workload.pending)} pods wait, because the nodes that fit are cordoned ({names}). "
            f"{words}"
        ),
        verdict=Verdict.APPROVE if free else Verdict.ESCALATE,
        supporting=(*found.facts, *(fact for node in nodes[:3] for fact in cordoned_by(node))),
        contradicting=tuple(marked[:2]),
        remedies=tuple(call("uncordon_node", node.ref) for node in free[:3]) or (call("escalate", target.ref),),
        places={"pod": found.pod.name, "node": target.name, "workload_namespace": workload.object.namespace},
    )


def _cordoned(workload: Workload) -> list[KubeObject]:
    return [node for node in workload.scene.all("Node") if Node(workload.scene, node).is_cordoned]


def _unseen(workload: Workload, found: Blockage) -> Finding:
    """What the scheduler alone says, where no node was read."""
    text = found.message.partition(" preemption:")[0]
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: {len(workload.pending)} pods wait, because nodes are cordoned: {text}",
        verdict=Verdict.ESCALATE,
        supporting=found.facts,
        remedies=(call("escalate", workload.ref),),
        places={"pod": found.pod.name, "node": "NODE", "workload_namespace": workload.object.namespace},
    )


def examine_node(node: Node) -> Finding | None:
    """The finding when the node is cordoned, unmarked, and pods of the namespaces that were read wait for it."""
    if not node.is_cordoned or not node.is_ready or intended_cordon(node):
        return None
    for pod in node.scene.all("Pod"):
        found = examine(Workload(node.scene, node.scene.top_of(pod))) if _waits(pod) else None
        if found and any(remedy.target == node.object.ref for remedy in found.remedies):
            return found
    return None


def _waits(pod: KubeObject) -> bool:
    state = pod.condition("PodScheduled")
    return state is not None and state.text("status") == "False"


def cordoned_by(node: KubeObject) -> list[Fact]:
    """Who cordoned the node, and when."""
    author = last_writer(node, "spec", "unschedulable")
    return [facts.change(node, "metadata.managedFields", f"cordoned {author}", author.at)] if author else []


CAUSE = Cause(
    id=CauseId("nodes_cordoned"),
    title="The nodes that fit are cordoned",
    faults=(24,),
    needs=("Pod", "Node"),
    look_alikes={
        "intended_state": "an annotation, a taint or an autoscaler marks the node as in maintenance",
        "unschedulable_taint": "another taint than the cordon's",
    },
    know="A cordon may be the first half of a maintenance: ask before it is lifted.",
    by_hand=(
        "kubectl -n {workload_namespace} describe pod {pod}",
        "kubectl get nodes",
        "kubectl uncordon {node}",
    ),
    workload=examine,
    node=examine_node,
)
