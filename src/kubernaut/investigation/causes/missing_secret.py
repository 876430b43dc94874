"""A pod cannot start because a Secret it needs does not exist."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.missing import find_gap, finding_of
from kubernaut.investigation.subjects import Workload


def examine(workload: Workload) -> Finding | None:
    """The finding when a required Secret is not there."""
    gap = find_gap(workload, ("Secret",), key=False)
    return finding_of(workload, gap) if gap else None


CAUSE = Cause(
    id=CauseId("missing_secret"),
    title="A Secret that a pod needs does not exist",
    faults=(43,),
    needs=("Pod", "Secret", "ReplicaSet"),
    look_alikes={
        "missing_configmap": "the kubelet names a configmap",
        "missing_config_key": "the object is there, only a key of it is not",
        "rollout_in_progress": "'failed to sync secret cache' is a delay of the kubelet, nothing is missing",
    },
    know="Its content is not in any revision: it comes back from where it is declared (Git, Helm, a secret store).",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} get {object}",
        "kubectl -n {namespace} rollout history {kind}/{name}",
    ),
    workload=examine,
)
