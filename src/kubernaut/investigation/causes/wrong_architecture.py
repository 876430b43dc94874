"""The image is built for another processor than that of the node."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId
from kubernaut.investigation import facts
from kubernaut.investigation.blame import Story, told
from kubernaut.investigation.complaints import complaints
from kubernaut.investigation.containers import Container
from kubernaut.investigation.crashes import crash_in, crashed
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.origin import of_pod, origin
from kubernaut.investigation.pulls import failed_pull
from kubernaut.investigation.subjects import Workload

_FORM = re.compile(r"(?i)exec format error|cannot execute binary file")
_NO_PLATFORM = re.compile(
    r"no match for platform|no matching manifest for \S+|image operating system \S+ cannot be used"
)
_RELEVANT = of_pod("image", "nodeSelector", "affinity", "command")
_OTHERWISE = (
    "The template did not change: the image behind the same tag did, or the pods came to nodes of another kind."
)


def examine(workload: Workload) -> Finding | None:
    """The finding by the kernel's refusal to run the program, or by an image that has no part for the platform."""
    said = next(complaints(workload, _FORM, crashed(workload)), None)
    if said is None:
        return _not_pulled(workload)
    container = said.container
    story = Story(
        words=f"{container.label} cannot run on this processor (exec format error)",
        otherwise=_OTHERWISE,
        proofs=(said.fact, *_machine(workload, container)),
        relevant=_RELEVANT,
    )
    return told(workload, crash_in(workload, container), story)


def _not_pulled(workload: Workload) -> Finding | None:
    for container in workload.failing_pulls:
        pull = failed_pull(workload.scene, container)
        if not _NO_PLATFORM.search(pull.words):
            continue
        source = origin(workload, _RELEVANT, otherwise=_OTHERWISE)
        return Finding(
            target=workload.ref,
            summary=(
                f"{workload.title}: image {container.image} of {container.label} has no part for this node's platform. "
                f"{source.words}"
            ),
            verdict=source.verdict,
            supporting=(*pull.facts, *_machine(workload, container), *source.facts),
            remedies=source.remedies,
            places={"pod": container.pod.name, "container": container.name},
        )
    return None


def _machine(workload: Workload, container: Container) -> list[Fact]:
    """The processor of the node that the pod is on."""
    node = workload.scene.get("Node", "", container.pod.text("spec", "nodeName"))
    kind = node.labels.get("kubernetes.io/arch", "") if node else ""
    text = f"node {node.name} is {kind}" if node else ""
    return [facts.field(node, "metadata.labels[kubernetes.io/arch]", text)] if node and kind else []


CAUSE = Cause(
    id=CauseId("wrong_architecture"),
    title="The image is built for another processor",
    faults=(41,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "command_not_found": "the program is not in the image",
        "image_not_found": "the tag does not exist for any platform",
    },
    know="A script without its first line (#!) gives the same error: look at what the entrypoint is.",
    by_hand=(
        "kubectl get nodes -L kubernetes.io/arch",
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    narrows=(
        *("crash_after_change", "crash_without_change", "container_not_creatable"),
        *("image_not_found", "command_not_found", "command_not_executable", "init_container_fails"),
    ),
    workload=examine,
)
