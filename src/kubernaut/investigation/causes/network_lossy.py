"""A node loses packets on its way to others."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.measures import TCP_RESENT
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding, Role
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.scene import Scene
from kubernaut.investigation.subjects import Node, Workload

# A well network resends far below 1 %; from a few per cent on, transfers slow down visibly.
_RESENT = 0.05


def examine_node(node: Node) -> Finding | None:
    """The finding when one segment in twenty of the node has to be sent again."""
    return _finding(node.scene, [node.object])


def examine(workload: Workload) -> Finding | None:
    """The same for the nodes that the workload's pods run on."""
    names = {pod.text("spec", "nodeName") for pod in workload.pods} - {""}
    if not names or not workload.scene.measurable:
        return None
    return _finding(workload.scene, [node for node in workload.scene.all("Node") if node.name in names])


def _finding(scene: Scene, nodes: list[KubeObject]) -> Finding | None:
    asked = TCP_RESENT.of()
    shares = {series.labels.get("nodename", ""): series.value for series in scene.measured(asked)}
    worst = max(nodes, key=lambda node: shares.get(node.name, 0.0), default=None)
    if worst is None or shares.get(worst.name, 0.0) < _RESENT:
        return None
    share = shares[worst.name]
    others = sorted(value for name, value in shares.items() if name != worst.name)
    usual = f"; half of the other nodes stay below {others[len(others) // 2]:.2%}" if others else ""
    return Finding(
        target=worst.ref,
        summary=f"Node {worst.name} has to send {share:.1%} of its TCP segments again{usual}: packets are lost.",
        verdict=Verdict.ESCALATE,
        supporting=(facts.measured(worst, asked, f"{share:.1%} of TCP segments sent again{usual}"),),
        remedies=(escalate(worst.ref),),
        places={"node": worst.name},
    )


CAUSE = Cause(
    id=CauseId("network_lossy"),
    title="A node loses packets",
    faults=(93,),
    needs=("Node",),
    look_alikes={
        "network_policy_blocks": "connections are refused or time out at once, nothing is sent again later",
        "dns_fails": "names are not found, and addresses work",
    },
    know="Look for a network experiment that was left running, a failing link, or a full connection table.",
    by_hand=(
        "kubectl get node {node} -o wide",
        "kubectl get pods -A --field-selector spec.nodeName={node}",
    ),
    role=Role.OUTLINE,
    workload=examine,
    node=examine_node,
)
