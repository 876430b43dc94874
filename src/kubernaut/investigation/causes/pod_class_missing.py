"""The pods name a PriorityClass or a RuntimeClass that does not exist."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import Treatment, of_pod
from kubernaut.investigation.refusals import refused
from kubernaut.investigation.subjects import Workload

_FORM = re.compile(r'no PriorityClass with name \S+ was found|RuntimeClass "?[\w.-]+"? not found')
_TREATMENT = Treatment(
    relevant=of_pod("priorityClassName", "runtimeClassName"),
    words="a class that they name does not exist",
    otherwise="The template named it before: the class was deleted.",
)


def examine(workload: Workload) -> Finding | None:
    """The finding when the named class is not there."""
    return refused(workload, _FORM, _TREATMENT)


CAUSE = Cause(
    id=CauseId("pod_class_missing"),
    title="The pods name a PriorityClass or RuntimeClass that does not exist",
    faults=(),
    needs=("Pod", "ReplicaSet", "Event"),
    look_alikes={"storage_class_missing": "a claim names a StorageClass; the pods are made and wait"},
    know="Both classes belong to the whole cluster: a chart from another cluster may name one that is not here.",
    by_hand=("kubectl get priorityclasses,runtimeclasses", "kubectl -n {namespace} rollout undo {kind}/{name}"),
    workload=examine,
)
