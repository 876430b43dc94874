"""A node's disk reports errors."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.measures import DISK_ERRORS
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding, Role
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.subjects import Node


def examine_node(node: Node) -> Finding | None:
    """The finding when node_exporter cannot read a file system of the node."""
    asked = DISK_ERRORS.of()
    bad = [each for each in node.scene.measured(asked) if each.labels.get("nodename") == node.object.name]
    if not bad:
        return None
    places = sorted({each.labels.get("mountpoint", "?") for each in bad})
    return Finding(
        target=node.object.ref,
        summary=f"Node {node.object.name} cannot read {', '.join(places)}: its disk reports errors.",
        verdict=Verdict.ESCALATE,
        supporting=(facts.measured(node.object, asked, f"device error at {', '.join(places)}"),),
        remedies=(escalate(node.object.ref),),
        places={"node": node.object.name},
    )


CAUSE = Cause(
    id=CauseId("disk_failing"),
    title="A node's disk reports errors",
    faults=(111,),
    needs=("Node",),
    look_alikes={"disk_full": "there is no room, and what is there can be read"},
    know="Never restart a data store on a failing disk: what is in memory may be the last good copy.",
    by_hand=("kubectl describe node {node}", "kubectl get pods -A -o wide --field-selector spec.nodeName={node}"),
    role=Role.OUTLINE,
    node=examine_node,
)
