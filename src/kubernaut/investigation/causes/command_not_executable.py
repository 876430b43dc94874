"""The program that a container should start may not be run."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.blame import Story, told
from kubernaut.investigation.complaints import complaints
from kubernaut.investigation.crashes import crash_in, crashed
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.subjects import Workload

_NOT_RUNNABLE = 126
_FORM = re.compile(
    r"exec(?:: \"[^\"]*\")?:? \S*:? ?(?:permission denied|is a directory)|exec: \"[^\"]*\": permission denied"
    r"|(?:^|: )(?:line \d+: )?[\w./-]+: Permission denied\s*$"
)


def examine(workload: Workload) -> Finding | None:
    """The finding by the runtime's words, or by exit code 126, which a shell gives for the same."""
    failing = crashed(workload)
    said = next(complaints(workload, _FORM, failing), None)
    chosen = said.container if said else next((entry for entry in failing if entry.exit_code == _NOT_RUNNABLE), None)
    if chosen is None or (said is not None and said.fact.ref.startswith("log") and chosen.exit_code != _NOT_RUNNABLE):
        return None
    detail = f" ({quoted(said.text, 160)})" if said else " (exit code 126)"
    return told(
        workload,
        crash_in(workload, chosen),
        Story(
            words=f"{chosen.label} may not run the program it should start{detail}",
            otherwise="The template did not change: the file behind it lost its right to be executed.",
            proofs=(said.fact,) if said else (),
        ),
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
