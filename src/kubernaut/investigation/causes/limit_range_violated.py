"""A LimitRange of the namespace does not allow what the containers ask for."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import Treatment, of_pod
from kubernaut.investigation.refusals import refused
from kubernaut.investigation.subjects import Workload

_FORM = re.compile(
    r"(?:maximum|minimum) \S+ usage per (?:Container|Pod|PersistentVolumeClaim) is"
    r"|max limit to request (?:limit )?ratio per (?:Container|Pod) is"
)
_TREATMENT = Treatment(
    relevant=of_pod("resources", "requests", "limits"),
    words="a LimitRange forbids their size",
    otherwise="The template did not ask for less before: the LimitRange is new, or was changed.",
)


def examine(workload: Workload) -> Finding | None:
    """The finding when the size of the containers is outside the namespace's bounds."""
    return refused(workload, _FORM, _TREATMENT)


CAUSE = Cause(
    id=CauseId("limit_range_violated"),
    title="A LimitRange forbids the size of the containers",
    faults=(7,),
    needs=("Pod", "ReplicaSet", "Event"),
    look_alikes={
        "quota_exceeded": "the sum over the namespace is too much; here each container or pod by itself is",
        "insufficient_resources": "the pods exist and wait for a node",
    },
    know="A LimitRange also fills in what a container does not declare, and may refuse the result.",
    by_hand=(
        "kubectl -n {namespace} describe limitrange",
        "kubectl -n {namespace} get events --field-selector reason=FailedCreate",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    workload=examine,
)
