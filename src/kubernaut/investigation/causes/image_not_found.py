"""The registry answers, but has no such image."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.pulls import PullProblem
from kubernaut.investigation.remedies import way_back
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.templates import Difference


def examine(workload: Workload) -> Finding | None:
    """The finding when a registry said that the image does not exist."""
    pull = next((pull for pull in workload.failed_pulls if pull.problem is PullProblem.NOT_FOUND), None)
    if pull is None:
        return None
    failing = pull.container

    def of_this_image(difference: Difference) -> bool:
        return difference.is_in(failing.name) and difference.touches("image", "imagePullPolicy")

    change = workload.change_fact(of_this_image)
    back = way_back(workload, of_this_image)
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: image {failing.image} of {failing.label} does not exist. {back.words}",
        verdict=back.verdict,
        supporting=(*pull.facts, *((change,) if change else ()), *back.facts),
        remedies=back.remedies,
        places={"pod": failing.pod.name, "image": failing.image},
    )


CAUSE = Cause(
    id=CauseId("image_not_found"),
    title="The image or its tag does not exist",
    faults=(38, 41, 64, 77),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "registry_unreachable": "no answer at all: no such host, timeout, refused, rate limited",
        "image_pull_unauthorized": "the registry answers 401 or 403",
    },
    know="Either the tag was never pushed, was deleted, has no image for the node's platform, or the name has a typo.",
    by_hand=(
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} rollout history {kind}/{name}",
    ),
    workload=examine,
)
