"""A container cannot listen because its port is taken."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.complaints import Reading, complained
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.subjects import Workload

_READING = Reading(
    form=re.compile(
        r"(?i)address already in use|EADDRINUSE|address in use: bind|port is already (?:allocated|in use)"
        r"|only one usage of each socket address"
    ),
    words="{0} ends because the port it wants is taken ({1})",
    otherwise="The template did not change: two processes of the pod, or of its node with hostNetwork, want one port.",
)


def examine(workload: Workload) -> Finding | None:
    """The finding when a crashing container says that its port is taken."""
    return complained(workload, _READING)


CAUSE = Cause(
    id=CauseId("port_conflict"),
    title="A container cannot listen because its port is taken",
    faults=(52,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "host_port_taken": "the pod is not placed at all: the port of the node is taken",
        "crash_after_change": "the container ends for another reason",
    },
    know="All containers of a pod share one network: no two of them can listen on one port.",
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{{.spec.containers[*].ports}}'",
    ),
    narrows=("crash_after_change", "crash_without_change", "init_container_fails"),
    workload=examine,
)
