"""A volume cannot be attached or mounted, so the containers of a placed pod never start."""

from __future__ import annotations

import re
from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.containers import is_ready
from kubernaut.investigation.facts import event_time
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import of_pod, origin
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.subjects import Workload

# These have causes of their own, or are a delay of the kubelet.
_OTHER = re.compile(
    r"(?i)\b(?:configmap|secret)s? \"[^\"]+\" not found|references non-existent|failed to sync (?:configmap|secret)"
    r"|object .* not registered|Multi-Attach|already (?:exclusively )?(?:attached|used)"
)
_FRESH = timedelta(minutes=20)
_PATIENCE = timedelta(minutes=2)


def examine(workload: Workload) -> Finding | None:
    """The finding when the kubelet or the attach controller keeps failing with a volume of a waiting pod."""
    for pod in workload.pods:
        said = _failures(workload, pod)
        if not said:
            continue
        source = origin(
            workload,
            of_pod("volumes", "volumeMounts"),
            otherwise="The volumes did not change: look at the storage, its driver and the node.",
        )
        where = pod.text("spec", "nodeName")
        text = f"{pod.name} waits on node {where} for its volumes"
        return Finding(
            target=workload.ref,
            summary=f"{workload.title}: {text}: {quoted(said[0].text('message'), 200)}. {source.words}",
            verdict=source.verdict,
            supporting=(
                facts.field(pod, "status.phase", text),
                *(facts.event(entry) for entry in said[:2]),
                *source.facts,
            ),
            remedies=source.remedies,
            places={"pod": pod.name, "node": where},
        )
    return None


def _failures(workload: Workload, pod: KubeObject) -> list[KubeObject]:
    if is_ready(pod) or not pod.has("spec", "nodeName") or pod.text("status", "phase") != "Pending":
        return []
    if workload.age(pod) < _PATIENCE:
        return []
    return [
        entry
        for entry in workload.scene.events_of(pod, "FailedMount", "FailedAttachVolume", "FailedMapVolume")
        if not _OTHER.search(entry.text("message"))
        and ((at := event_time(entry)) is None or workload.scene.now - at <= _FRESH)
    ]


CAUSE = Cause(
    id=CauseId("volume_not_mounted"),
    title="A volume cannot be attached or mounted",
    faults=(),
    needs=("Pod", "ReplicaSet", "Event"),
    look_alikes={
        "volume_in_use": "the volume is still held by another node or pod",
        "missing_configmap": "the volume is a ConfigMap or Secret that does not exist",
        "claim_unbound": "the pod has no node yet, because its claim has no volume",
    },
    know="A mount that times out most often means a storage server or driver that does not answer from that node.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl get volumeattachments",
        "kubectl get csinode {node} -o yaml",
    ),
    workload=examine,
)
