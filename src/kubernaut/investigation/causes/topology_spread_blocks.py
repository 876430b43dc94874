"""Pods may not be placed because of their topology spread."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import Treatment, of_pod
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.unplaced import placed_nowhere

_FORM = re.compile(r"didn't match pod topology spread constraints")
_TREATMENT = Treatment(
    relevant=of_pod("topologySpreadConstraints"),
    words="their topology spread leaves none",
    otherwise="The constraint is as old as the pods that run: a zone or node is full, cordoned or gone.",
)


def examine(workload: Workload) -> Finding | None:
    """The finding when a spread with DoNotSchedule decides."""
    return placed_nowhere(workload, _FORM, _TREATMENT)


CAUSE = Cause(
    id=CauseId("topology_spread_blocks"),
    title="Pods may not be placed because of their topology spread",
    faults=(),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "unschedulable_pod_affinity": "the rule names other pods, not a spread",
        "nodes_cordoned": "the nodes that would even the spread out are cordoned",
    },
    know="With whenUnsatisfiable: ScheduleAnyway the spread is a wish and blocks nothing.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl get nodes --show-labels",
        "kubectl -n {namespace} get {kind}/{name} -o jsonpath='{{.spec.template.spec.topologySpreadConstraints}}'",
    ),
    workload=examine,
)
