"""A pod cannot start because a ConfigMap it needs does not exist."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.missing import find_gap, finding_of
from kubernaut.investigation.subjects import Workload


def examine(workload: Workload) -> Finding | None:
    """The finding when a required ConfigMap is not there."""
    gap = find_gap(workload, ("ConfigMap",), key=False)
    return finding_of(workload, gap) if gap else None


CAUSE = Cause(
    id=CauseId("missing_configmap"),
    title="A ConfigMap that a pod needs does not exist",
    faults=(42,),
    needs=("Pod", "ConfigMap", "ReplicaSet"),
    look_alikes={
        "missing_secret": "the kubelet names a secret",
        "missing_config_key": "the object is there, only a key of it is not",
        "rollout_in_progress": "'failed to sync configmap cache' is a delay of the kubelet, nothing is missing",
    },
    know="Its content is not in any revision: it comes back from where it is declared (Git, Helm, a secret store).",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} get {object}",
        "kubectl -n {namespace} rollout history {kind}/{name}",
    ),
    workload=examine,
)
