"""Pods that the scheduler places nowhere, by the reason it gives: one reading for the causes that nodes do not show."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Finding
from kubernaut.investigation.origin import Treatment
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.scheduling import OF_CONTROL_PLANE, Obstacle, parts
from kubernaut.investigation.subjects import Workload


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A pod without a node, what the scheduler says of it, and where that was read."""

    pod: KubeObject
    message: str
    facts: tuple[Fact, ...]

    @property
    def short(self) -> str:
        """The scheduler's words without what it says about preemption."""
        return quoted(self.message.partition(" preemption:")[0].rstrip(". "), 200)


def unplaced(workload: Workload) -> Unplaced | None:
    """The newest words of the scheduler about a pod of the workload that waits for a node."""
    if not workload.pending:
        return None
    pod = workload.pending[0]
    events = workload.scene.events_of(pod, "FailedScheduling")
    state = pod.condition("PodScheduled")
    message = (state.text("message") if state else "") or (events[0].text("message") if events else "")
    if not message:
        return None
    told = [facts.field(pod, "status.conditions[PodScheduled].message", message)]
    told += [facts.event(entry) for entry in events[:1]]
    return Unplaced(pod, message[:4000], tuple(told))


def decides(message: str, form: re.Pattern[str]) -> bool:
    """Whether that reason holds on more of the nodes the pod may choose from than any other does.

    Control planes, and nodes that the pod's own node selector leaves out, are no choice.
    """
    said = [entry for entry in parts(message) if not OF_CONTROL_PLANE.search(entry[2])]
    counted = [(count, text) for count, kind, text in said if kind is not Obstacle.SELECTOR]
    if not said:
        return form.search(message) is not None
    most = max((count for count, _ in counted), default=0)
    return any(count == most and form.search(text) for count, text in counted)


def placed_nowhere(workload: Workload, form: re.Pattern[str], treatment: Treatment) -> Finding | None:
    """The finding of a cause whose reason has this form: back where the last change brought it, else for people."""
    found = unplaced(workload)
    if found is None or not decides(found.message, form):
        return None
    source = treatment.origin(workload)
    waiting = len(workload.pending)
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title}: {waiting} of {workload.desired} pods find no node, {treatment.words}: "
            f"{found.short}. {source.words}"
        ),
        verdict=source.verdict,
        supporting=(*found.facts, *source.facts),
        remedies=source.remedies,
        places={"pod": found.pod.name},
    )
