"""The name of an image is no name that a registry could know."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import of_container, origin
from kubernaut.investigation.pulls import failed_pull
from kubernaut.investigation.subjects import Workload


def examine(workload: Workload) -> Finding | None:
    """The finding when the kubelet cannot even read the image's name."""
    for container in workload.failing_pulls:
        if container.waiting != "InvalidImageName":
            continue
        source = origin(
            workload,
            of_container(container.name, "image"),
            otherwise="The template did not change: something writes the name into the pods.",
        )
        return Finding(
            target=workload.ref,
            summary=f"{workload.title}: {container.image!r} of {container.label} is no image name. {source.words}",
            verdict=source.verdict,
            supporting=(*failed_pull(workload.scene, container).facts, *source.facts),
            remedies=source.remedies,
            places={"pod": container.pod.name, "container": container.name},
        )
    return None


CAUSE = Cause(
    id=CauseId("image_name_invalid"),
    title="The image's name is not a possible name",
    faults=(38,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={"image_not_found": "the name is possible, and the registry has no such image"},
    know=(
        "Upper case in the repository, two colons, or a template variable that was not filled in are the usual reasons."
    ),
    by_hand=(
        "kubectl -n {namespace} get {kind}/{name} -o jsonpath='{{..image}}'",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    narrows=("image_not_found",),
    workload=examine,
)
