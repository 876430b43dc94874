"""A server that a container depends on has no connection left, is locked, or takes no writes."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation.complaints import Reading, complained
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.subjects import Workload

_READING = Reading(
    form=re.compile(
        r"(?i)too many (?:connections|clients)|remaining connection slots|max_connections|connection pool exhausted"
        r"|lock wait timeout|deadlock (?:detected|found)|read[- ]only (?:transaction|mode|replica)"
        r"|READONLY You can't write"
        r"|cannot execute \w+ in a read-only transaction|OOM command not allowed"
    ),
    words="{0} is turned away by a server that is exhausted, locked or read-only ({1})",
    otherwise="The template did not change: look at that server, at who holds its connections or locks.",
    verdict=Verdict.APPROVE,
)


def examine(workload: Workload) -> Finding | None:
    """The finding when a failing container says that a server has no room for it; the server is for people."""
    return complained(workload, _READING)


CAUSE = Cause(
    id=CauseId("server_exhausted"),
    title="A server that a workload needs is exhausted, locked or read-only",
    faults=(98, 99),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "credentials_refused": "the server refuses who it is, not how many there are",
        "disk_full": "the container's own disk is full",
    },
    know="More replicas make it worse: each brings its own pool of connections.",
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
        "kubectl -n {namespace} get pods -o wide",
    ),
    narrows=("crash_after_change", "crash_without_change", "init_container_fails"),
    is_symptom=True,
    workload=examine,
)
