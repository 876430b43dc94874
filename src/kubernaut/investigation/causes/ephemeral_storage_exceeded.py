"""Pods are evicted because they write more to their node's disk than they may."""

from __future__ import annotations

import re
from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import of_pod, origin
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.subjects import Workload

_FORM = re.compile(
    r"ephemeral local storage usage exceeds|exceeded its local ephemeral storage limit"
    r"|Usage of EmptyDir volume \S+ exceeds"
)
_RECENT = timedelta(hours=1)
_AGAIN = 2


def examine(workload: Workload) -> Finding | None:
    """The finding when pods go over such a limit again and again; once, long ago, is no fault."""
    found = [pod for pod in workload.scene.pods_of(workload.object) if _is_over(workload, pod)]
    if len(found) < _AGAIN and (not found or workload.ready >= workload.desired):
        return None
    pod = max(found, key=lambda entry: str(entry.created_at))
    message = pod.text("status", "message")
    source = origin(
        workload,
        of_pod("ephemeral-storage", "sizeLimit", "emptyDir", "image"),
        otherwise="The limit did not change: what the containers write did.",
    )
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title}: {len(found)} pods were evicted for what they wrote: "
            f"{quoted(message, 160)} {source.words}"
        ),
        verdict=source.verdict,
        supporting=(
            facts.field(pod, "status.reason", f"Evicted: {message}"),
            *(facts.event(entry) for entry in workload.scene.events_of(pod, "Evicted")[:1]),
            *source.facts,
        ),
        remedies=source.remedies,
        places={"pod": pod.name},
    )


def _is_over(workload: Workload, pod: KubeObject) -> bool:
    if pod.text("status", "reason") != "Evicted" or not _FORM.search(pod.text("status", "message")):
        return False
    created = pod.created_at
    return created is None or workload.scene.now - created <= _RECENT * 24


CAUSE = Cause(
    id=CauseId("ephemeral_storage_exceeded"),
    title="Pods write more to their node's disk than they may",
    faults=(107,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "evicted_by_node": "the node itself was short of disk",
        "disk_full": "a volume or disk is full, and nobody evicts",
    },
    know="Logs that are written to files, caches and emptyDir volumes all count as ephemeral storage.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} get {kind}/{name} -o jsonpath='{{..resources.limits.ephemeral-storage}}'",
    ),
    narrows=("evicted_by_node",),
    workload=examine,
)
