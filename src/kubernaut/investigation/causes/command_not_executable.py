"""The program that a container should start may not be run."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.complaints import not_started
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.subjects import Workload

_NOT_RUNNABLE = 126
_FORM = re.compile(
    r"exec(?:: \"[^\"]*\")?:? \S*:? ?(?:permission denied|is a directory)|exec: \"[^\"]*\": permission denied"
    r"|(?:^|: )(?:line \d+: )?[\w./-]+: Permission denied\s*$"
)
_OTHERWISE = "The template did not change: the file behind it lost its right to be executed."


def examine(workload: Workload) -> Finding | None:
    """The finding by the runtime's words, or by exit code 126, which a shell gives for the same."""
    return not_started(
        workload, _FORM, _NOT_RUNNABLE, words="may not run the program it should start", otherwise=_OTHERWISE
    )


CAUSE = Cause(
    id=CauseId("command_not_executable"),
    title="The program to start may not be executed",
    faults=(47,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "command_not_found": "there is no such program (code 127)",
        "filesystem_denied": "the program starts, and is refused a file",
    },
    know=(
        "Either the file lacks its execute bit (a script out of a ConfigMap needs defaultMode 0755), or it is a folder."
    ),
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{{.spec.containers[*].command}} {{.spec.volumes}}'",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    narrows=(
        "crash_after_change",
        "crash_without_change",
        "init_container_fails",
        "container_not_creatable",
        "filesystem_denied",
    ),
    workload=examine,
)
