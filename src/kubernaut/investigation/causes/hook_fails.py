"""A container is ended because its postStart hook fails."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.blame import Story, told
from kubernaut.investigation.containers import Container
from kubernaut.investigation.crashes import crash_in, crashed
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import of_container
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.subjects import Workload

_WAITS = frozenset({"PostStartHookError", "PreStartHookError"})
_NAMES = re.compile(r"[\w-]+")


def examine(workload: Workload) -> Finding | None:
    """The finding when the kubelet says that a hook failed and that it ended the container for it."""
    for container in crashed(workload):
        proof = _proof(workload, container)
        if proof is None:
            continue
        story = Story(
            words=f"{container.label} is ended because its postStart hook fails ({quoted(proof.text, 160)})",
            otherwise="The hook did not change: what it calls fails now.",
            proofs=(proof,),
            relevant=of_container(container.name, "lifecycle", "image"),
        )
        return told(workload, crash_in(workload, container), story)
    return None


def _proof(workload: Workload, container: Container) -> Fact | None:
    if container.waiting in _WAITS:
        return facts.field(container.pod, container.waiting_path, f"{container.waiting}: {container.message}")
    if not container.spec.has("lifecycle", "postStart"):
        return None
    events = workload.scene.events_of(container.pod, "FailedPostStartHook")
    about = [entry for entry in events if _is_about(entry, container)]
    return facts.event(about[0]) if about else None


def _is_about(entry: KubeObject, container: Container) -> bool:
    path = entry.text("involvedObject", "fieldPath")
    hooked = [each for each in container.pod.trees("spec", "containers") if each.has("lifecycle", "postStart")]
    return (not path and len(hooked) == 1) or container.name in _NAMES.findall(path or entry.text("message"))


CAUSE = Cause(
    id=CauseId("hook_fails"),
    title="A container is ended because its postStart hook fails",
    faults=(),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "crash_after_change": "the program itself ends",
        "liveness_probe_wrong": "a probe ends the container, not a hook",
    },
    know="The hook runs beside the program, not after it is ready: one that needs the program has to wait for it.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{{.spec.containers[*].lifecycle}}'",
    ),
    narrows=("crash_after_change", "crash_without_change", "init_container_fails", "container_not_creatable"),
    workload=examine,
)
