"""A program that should run for ever ends well, and is started again and again."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation import facts
from kubernaut.investigation.blame import Story, told
from kubernaut.investigation.containers import CONTAINER, SIDECAR
from kubernaut.investigation.crashes import crash_in, crashed
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.probes import probe_kill
from kubernaut.investigation.subjects import Workload

_LASTING = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})


def examine(workload: Workload) -> Finding | None:
    """The finding when the last run of a crash loop ended with code 0 by itself."""
    if workload.object.kind not in _LASTING:
        return None
    for container in crashed(workload):
        ended = container.ended
        if container.role not in (CONTAINER, SIDECAR) or ended is None or ended.text("reason") != "Completed":
            continue
        if ended.integer("exitCode") != 0 or probe_kill(workload.scene, container):
            continue
        text = f"{container.label} ended with code 0 (Completed), {container.restarts} restarts"
        story = Story(
            words=f"{container.label} does its work and ends, where it should go on running",
            otherwise="The template did not change: what the program finds to do did.",
            proofs=(facts.field(container.pod, container.ended_path, text),),
        )
        return told(workload, crash_in(workload, container), story)
    return None


CAUSE = Cause(
    id=CauseId("process_ends"),
    title="A program that should go on running ends with success",
    faults=(47,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "crash_after_change": "it ends with an error",
        "liveness_probe_wrong": "it was told to stop by a failed probe, and did so in order",
    },
    know=(
        "A command that only does one thing belongs in a Job; a server that forks "
        "into the background ends its container."
    ),
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{{.spec.containers[*].args}}'",
    ),
    narrows=("crash_after_change", "crash_without_change"),
    workload=examine,
)
