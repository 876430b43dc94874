"""A node cannot set a pod up: its network or its container runtime fails before any container starts."""

from __future__ import annotations

import re
from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.containers import is_leaving
from kubernaut.investigation.facts import event_time
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.subjects import Workload

_FRESH = timedelta(minutes=10)
_REASONS = ("FailedCreatePodSandBox", "NetworkNotReady", "FailedSync")
_WHY = (
    (re.compile(r"(?i)no free affine|no (?:more )?(?:IP )?addresses|failed to (?:allocate|assign) .*(?:IP|range)|IPAM"),
     "no pod address is left there"),
    (re.compile(r"(?i)containerd\.sock|crio\.sock|runtime (?:is )?(?:down|not ready)|code = Unavailable"),
     "the container runtime does not answer"),
    (re.compile(r"(?i)cni|network plugin"), "the network plugin fails"),
)  # fmt: skip


def examine(workload: Workload) -> Finding | None:
    """The finding when a pod waits for its sandbox and the kubelet keeps failing to make one."""
    for pod in workload.pods:
        said = _failures(workload, pod)
        if not said:
            continue
        message, node = said[0].text("message"), pod.text("spec", "nodeName")
        why = next((words for form, words in _WHY if form.search(message)), "the node cannot set it up")
        return Finding(
            target=workload.ref,
            summary=f"{workload.title}: {pod.name} does not start on node {node}, {why}: {quoted(message, 200)}.",
            verdict=Verdict.ESCALATE,
            supporting=(
                facts.event(said[0]),
                facts.field(pod, "status.containerStatuses", f"no container of {pod.name} was started"),
            ),
            remedies=(escalate(workload.ref),),
            places={"pod": pod.name, "node": node},
        )
    return None


def _failures(workload: Workload, pod: KubeObject) -> list[KubeObject]:
    if is_leaving(pod) or pod.text("status", "phase") != "Pending" or not pod.has("spec", "nodeName"):
        return []
    return [
        entry
        for entry in workload.scene.events_of(pod, *_REASONS)
        if entry.text("type") == "Warning" and ((at := event_time(entry)) is None or workload.scene.now - at <= _FRESH)
    ]


CAUSE = Cause(
    id=CauseId("sandbox_not_made"),
    title="A node cannot set up the network or sandbox of a pod",
    faults=(92, 104),
    needs=("Pod", "Event"),
    look_alikes={
        "node_not_ready": "the node itself reports that it is not ready",
        "container_not_creatable": "the sandbox is there, and a container cannot be made in it",
        "volume_not_mounted": "the network is there, and a volume is not",
    },
    know="Where pods of several workloads on one node fail so, the node is the patient; on all nodes, the network is.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl get pods -A -o wide --field-selector spec.nodeName={node}",
        "kubectl -n kube-system get pods -o wide",
    ),
    workload=examine,
)
