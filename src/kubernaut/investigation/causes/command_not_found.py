"""The program that a container should start is not in its image."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.complaints import not_started
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.subjects import Workload

_NOT_FOUND = 127
_FORM = re.compile(
    r"executable file not found in \$PATH|exec(?:: \"[^\"]*\")?:? (?:stat )?\S*: no such file or directory"
    r"|(?:^|: )(?:line \d+: )?[\w./-]+: (?:command )?not found\s*$|unable to start container process: .*no such file"
)
_OTHERWISE = "The template did not change: the image behind the same tag did, or a volume hides the program."


def examine(workload: Workload) -> Finding | None:
    """The finding by the runtime's words, or by exit code 127, which a shell gives for the same."""
    return not_started(
        workload, _FORM, _NOT_FOUND, words="cannot start a program that its image does not have", otherwise=_OTHERWISE
    )


CAUSE = Cause(
    id=CauseId("command_not_found"),
    title="The program to start is not in the image",
    faults=(47,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "command_not_executable": "the program is there, and may not be run (code 126)",
        "wrong_architecture": "the program is there, for another processor",
        "crash_after_change": "the program starts, and then fails",
    },
    know=(
        "`command` replaces the image's entrypoint, `args` only its arguments; without a shell, no shell syntax works."
    ),
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{{.spec.containers[*].command}}'",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    narrows=("crash_after_change", "crash_without_change", "init_container_fails", "container_not_creatable"),
    workload=examine,
)
