"""A port of the node that the pods ask for is taken."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import Treatment, of_pod
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.unplaced import placed_nowhere

_FORM = re.compile(r"didn't have free ports for the requested pod ports")
_TREATMENT = Treatment(
    relevant=of_pod("hostPort", "ports", "hostNetwork"),
    words="the host port they ask for is taken",
    otherwise="The port is not new: there are more pods than nodes, or another pod took it.",
)


def examine(workload: Workload) -> Finding | None:
    """The finding when host ports decide."""
    return placed_nowhere(workload, _FORM, _TREATMENT)


CAUSE = Cause(
    id=CauseId("host_port_taken"),
    title="A port of the node that the pods ask for is taken",
    faults=(25,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "port_conflict": "two processes of one pod want one port, and the container ends",
        "insufficient_resources": "the nodes have the port, and no room",
    },
    know="A hostPort allows one such pod a node; a Service needs none.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl get pods -A -o wide --field-selector spec.nodeName=NODE",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    workload=examine,
)
