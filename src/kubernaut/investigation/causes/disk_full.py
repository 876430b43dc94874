"""A container finds no room on its disk."""

from __future__ import annotations

import re
from dataclasses import replace

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.complaints import Reading, complained
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import of_pod
from kubernaut.investigation.remedies import call
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.things import CLAIM
from kubernaut.investigation.volumes import class_of

_FACTOR = 1.5
_PATH = re.compile(r"(?<![\w/])/[\w.@+-]+(?:/[\w.@+-]+)*")
_READING = Reading(
    form=re.compile(
        r"(?i)no space left on device|ENOSPC|disk quota exceeded|not enough (?:disk )?space|database or disk is full"
    ),
    words="{0} finds no room on its disk ({1})",
    otherwise="Somebody has to make room: a volume, an emptyDir or the disk of the node is full.",
    verdict=Verdict.APPROVE,
    relevant=of_pod("volumes", "volumeMounts", "image", "command", "args", "env", "resources"),
)


def examine(workload: Workload) -> Finding | None:
    """The finding when a failing container says that a disk is full; nothing is deleted."""
    found = complained(workload, _READING)
    claim = _claim(workload, found) if found and found.verdict is Verdict.ESCALATE else None
    if found is None or claim is None:
        return found
    name = class_of(claim)
    text = f"the path lies on PersistentVolumeClaim {claim.name}, and StorageClass {name} lets it grow"
    return replace(
        found,
        summary=f"{found.summary} It is the volume of PersistentVolumeClaim {claim.name}, which may grow.",
        verdict=Verdict.APPROVE,
        supporting=(*found.supporting, facts.field(claim, "spec.storageClassName", text)),
        remedies=(call("expand_pvc", claim.ref, factor=_FACTOR), *found.remedies),
    )


def _claim(workload: Workload, found: Finding) -> KubeObject | None:
    """The bound claim that the path in the container's words lies on, where its class lets it grow."""
    scene, place = workload.scene, workload.object.namespace
    named = {match for fact in found.supporting for match in _PATH.findall(fact.text)}
    spec = workload.template.tree("spec")
    volumes = {item.text("name"): item.text("persistentVolumeClaim", "claimName") for item in spec.trees("volumes")}
    for container in spec.trees("containers"):
        for mount in container.trees("volumeMounts"):
            root = mount.text("mountPath").rstrip("/")
            name = volumes.get(mount.text("name"), "")
            if not name or not root or not any(path == root or path.startswith(f"{root}/") for path in named):
                continue
            claim = scene.get(CLAIM, place, name)
            kind = scene.get("StorageClass", "", class_of(claim)) if claim else None
            if claim and claim.text("status", "phase") == "Bound" and kind and kind.flag("allowVolumeExpansion"):
                return claim
    return None


CAUSE = Cause(
    id=CauseId("disk_full"),
    title="A container finds no room on its disk",
    faults=(
        108,
        107,
    ),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "filesystem_denied": "the rights are missing, not the room",
        "evicted_by_node": "the node was short of disk and evicted the pod",
    },
    know="Which disk it is says the path: a mounted volume, an emptyDir, or the writable layer of the container.",
    by_hand=(
        "kubectl -n {namespace} logs {pod} -c {container} --previous",
        "kubectl -n {namespace} exec {pod} -c {container} -- df -h",
        "kubectl -n {namespace} get persistentvolumeclaims",
    ),
    narrows=("crash_after_change", "crash_without_change", "init_container_fails"),
    workload=examine,
)
