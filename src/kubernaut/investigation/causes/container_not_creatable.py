"""The kubelet or the runtime cannot make a container as its spec wants it."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation import facts
from kubernaut.investigation.blame import Story, told
from kubernaut.investigation.containers import START_PROBLEMS, Container
from kubernaut.investigation.crashes import crash_in, crashed
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.subjects import Workload

_ENDINGS = frozenset({"StartError", "ContainerCannotRun"})


def examine(workload: Workload) -> Finding | None:
    """The finding when no process ever ran, for a reason other than a missing ConfigMap or Secret."""
    for container in crashed(workload):
        said = _said(container)
        if said is None:
            continue
        story = Story(
            words=f"{container.label} cannot be made or started ({quoted(said.text, 160)})",
            otherwise="The template did not change: look at the node, its runtime, and the image behind the tag.",
            proofs=(said,),
        )
        return told(workload, crash_in(workload, container), story)
    return None


def _said(container: Container) -> Fact | None:
    if container.waiting in START_PROBLEMS:
        return facts.field(container.pod, container.waiting_path, f"{container.waiting}: {container.message}")
    ended = container.ended
    if ended is not None and ended.text("reason") in _ENDINGS:
        text = f"{ended.text('reason')}: {ended.text('message')}"
        return facts.field(container.pod, container.ended_path, text)
    return None


CAUSE = Cause(
    id=CauseId("container_not_creatable"),
    title="A container cannot be made as its spec wants it",
    faults=(51,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "missing_configmap": "the kubelet names a ConfigMap or Secret that is not there",
        "command_not_found": "the runtime names a program that is not in the image",
        "crash_after_change": "the process ran, and ended",
    },
    know="Often runAsNonRoot with an image that runs as root, a subPath that is not there, or a mount that cannot be.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{{.spec.containers[*].securityContext}}'",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    narrows=("crash_after_change", "crash_without_change", "init_container_fails"),
    workload=examine,
)
