"""The volume can only be reached from nodes that the pods may not use."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import Treatment, of_pod
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.unplaced import placed_nowhere

_FORM = re.compile(r"volume node affinity conflict|node\(s\) had no available volume zone")
_TREATMENT = Treatment(
    relevant=of_pod("nodeSelector", "nodeAffinity", "affinity", "volumes"),
    words="their volume is bound to other nodes",
    otherwise="The template did not change: the node or zone of the volume is full, cordoned or gone.",
)


def examine(workload: Workload) -> Finding | None:
    """The finding when the place of a volume and the place of the pod exclude each other."""
    return placed_nowhere(workload, _FORM, _TREATMENT)


CAUSE = Cause(
    id=CauseId("volume_on_other_node"),
    title="The volume can only be reached from nodes that the pods may not use",
    faults=(33,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "unschedulable_node_selector": "no node at all has the labels; here the volume is elsewhere",
        "claim_unbound": "there is no volume yet",
    },
    know="Local and zonal volumes never move: the pod has to go where the volume is.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl get persistentvolumes -o custom-columns=CLAIM:.spec.claimRef.name,NODES:.spec.nodeAffinity",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    workload=examine,
)
