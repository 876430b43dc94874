"""An image must not be pulled, and is not on the node."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import of_container, origin
from kubernaut.investigation.pulls import failed_pull
from kubernaut.investigation.subjects import Workload


def examine(workload: Workload) -> Finding | None:
    """The finding when imagePullPolicy is Never and the node lacks the image."""
    for container in workload.failing_pulls:
        if container.waiting != "ErrImageNeverPull":
            continue
        source = origin(
            workload,
            of_container(container.name, "image", "imagePullPolicy"),
            otherwise="The template did not change: the pod came to a node that lacks the image, or it was cleaned up.",
        )
        path = f"spec.containers[{container.name}].imagePullPolicy"
        return Finding(
            target=workload.ref,
            summary=(
                f"{workload.title}: {container.image} of {container.label} is not on node "
                f"{container.pod.text('spec', 'nodeName')} and may not be pulled. {source.words}"
            ),
            verdict=source.verdict,
            supporting=(
                *failed_pull(workload.scene, container).facts,
                facts.field(container.pod, path, "imagePullPolicy: Never"),
                *source.facts,
            ),
            remedies=source.remedies,
            places={"pod": container.pod.name, "container": container.name},
        )
    return None


CAUSE = Cause(
    id=CauseId("image_never_pulled"),
    title="An image must not be pulled, and is not on the node",
    faults=(38,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={"image_not_found": "the image was asked for, and the registry has none"},
    know="imagePullPolicy Never is for images that were loaded onto every node beforehand.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    narrows=("image_not_found",),
    workload=examine,
)
