"""Pods must stand beside, or away from, pods that leave no node for them."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import Treatment, of_pod
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.unplaced import placed_nowhere

_FORM = re.compile(r"didn't (?:match pod|satisfy existing pods) (?:anti-)?affinity")
_TREATMENT = Treatment(
    relevant=of_pod("podAntiAffinity", "podAffinity", "affinity"),
    words="their required pod affinity leaves none",
    otherwise="The rule is as old as the pods that run: there are more replicas than places, or a place was lost.",
)


def examine(workload: Workload) -> Finding | None:
    """The finding when required pod affinity or anti-affinity decides."""
    return placed_nowhere(workload, _FORM, _TREATMENT)


CAUSE = Cause(
    id=CauseId("unschedulable_pod_affinity"),
    title="Pods must stand beside, or away from, pods that leave no node for them",
    faults=(23,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "unschedulable_node_selector": "the rule is about the labels of nodes, not about other pods",
        "topology_spread_blocks": "the rule is about an even spread",
        "insufficient_resources": "there are places, without room",
    },
    know="Required anti-affinity on host names allows one replica a node: more need the preferred form.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} get pods -o wide",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    workload=examine,
)
