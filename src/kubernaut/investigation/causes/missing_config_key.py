"""A pod cannot start because a ConfigMap or Secret lacks a key it asks for."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.missing import find_gap, finding_of
from kubernaut.investigation.subjects import Workload


def examine(workload: Workload) -> Finding | None:
    """The finding when the object is there and the key is not."""
    gap = find_gap(workload, ("ConfigMap", "Secret"), key=True)
    return finding_of(workload, gap) if gap else None


CAUSE = Cause(
    id=CauseId("missing_config_key"),
    title="A ConfigMap or Secret lacks a key that a pod needs",
    faults=(44,),
    needs=("Pod", "ConfigMap", "Secret", "ReplicaSet"),
    look_alikes={
        "missing_configmap": "the whole ConfigMap is not there",
        "missing_secret": "the whole Secret is not there",
        "crash_without_change": "the container starts and then fails for want of a value",
    },
    know="Compare the keys that are there with the one that is asked for: most often one was renamed.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} describe {object}",
    ),
    workload=examine,
)
