"""A container finds no room on its disk."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.complaints import Reading, complained
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.subjects import Workload

_READING = Reading(
    form=re.compile(
        r"(?i)no space left on device|ENOSPC|disk quota exceeded|not enough (?:disk )?space|database or disk is full"
    ),
    words="{0} finds no room on its disk ({1})",
    otherwise="Somebody has to make room: a volume, an emptyDir or the disk of the node is full.",
)


def examine(workload: Workload) -> Finding | None:
    """The finding when a failing container says that a disk is full; nothing is deleted."""
    return complained(workload, _READING)


CAUSE = Cause(
    id=CauseId("disk_full"),
    title="A container finds no room on its disk",
    faults=(
        108,
        107,
    ),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "filesystem_denied": "the rights are missing, not the room",
        "evicted_by_node": "the node was short of disk and evicted the pod",
    },
    know="Which disk it is says the path: a mounted volume, an emptyDir, or the writable layer of the container.",
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
        "kubectl -n {namespace} exec {pod} -c {container} -- df -h",
        "kubectl -n {namespace} get persistentvolumeclaims",
    ),
    narrows=("crash_after_change", "crash_without_change", "init_container_fails"),
    workload=examine,
)
