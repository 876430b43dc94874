"""A container may not read or write a file it needs."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation.complaints import Reading, complained
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.subjects import Workload

_DENIED = "permission denied|EACCES|operation not permitted|read-only file ?system|EROFS"
_READING = Reading(
    form=re.compile(rf"(?i)^(?!.*\bexec\b)(?:.*(?:[\'\" ]/|/\w).*(?:{_DENIED})|.*(?:{_DENIED})\W.*[\'\" ]/\w)"),
    words="{0} may not use a file ({1})",
    otherwise="The template did not change: the owner of the files on the volume did, or the volume became read-only.",
    verdict=Verdict.APPROVE,
)


def examine(workload: Workload) -> Finding | None:
    """The finding when a crashing container is refused by its file system."""
    return complained(workload, _READING)


CAUSE = Cause(
    id=CauseId("filesystem_denied"),
    title="A container may not read or write a file it needs",
    faults=(50,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "command_not_executable": "the program itself may not be started (code 126)",
        "credentials_refused": "a server refuses, not the file system",
        "disk_full": "there is no room, whatever the rights",
    },
    know=(
        "Look at runAsUser, fsGroup and readOnlyRootFilesystem beside the owner of the "
        "files; a volume with errors turns read-only."
    ),
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{{..securityContext}}'",
    ),
    narrows=("crash_after_change", "crash_without_change", "init_container_fails"),
    workload=examine,
)
