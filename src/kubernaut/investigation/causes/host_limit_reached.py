"""The kernel of a node, or a limit of the process, gives a container no more files, ports or shared memory."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation.complaints import Reading, complained
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.subjects import Workload

_READING = Reading(
    form=re.compile(
        r"(?i)too many open files|\bEMFILE\b|\bENFILE\b|cannot assign requested address|EADDRNOTAVAIL"
        r"|could not resize shared memory|shm_open|/dev/shm.{0,80}no space|conntrack: table full|fork: .*unavailable"
        r"|pthread_create failed|unable to create (?:new )?native thread"
    ),
    words="{0} gets no more files, ports, threads or shared memory ({1})",
    otherwise="The template did not change: look at what it keeps open, and at the limits of its node.",
    verdict=Verdict.APPROVE,
)


def examine(workload: Workload) -> Finding | None:
    """The finding when a failing container says so; what used it up is for people."""
    return complained(workload, _READING)


CAUSE = Cause(
    id=CauseId("host_limit_reached"),
    title="The node gives a container no more files, ports or shared memory",
    faults=(110,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "server_exhausted": "the server that it calls has no room, not its own node",
        "disk_full": "a file system is full",
        "evicted_by_node": "the node is short of memory, disk or process numbers, and says so",
    },
    know="A limit is raised in vain where something is never closed: count what is open over time.",
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
        "kubectl -n {namespace} exec {pod} -c {container} -- sh -c 'ls /proc/1/fd | wc -l; ulimit -n; df /dev/shm'",
    ),
    narrows=("crash_without_change", "crash_after_change", "disk_full"),
    workload=examine,
)
