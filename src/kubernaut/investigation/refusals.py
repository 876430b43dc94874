"""Why the API server refuses the pods of a workload: one reading for all the causes that refuse them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact, event_time
from kubernaut.investigation.finding import Finding
from kubernaut.investigation.origin import Treatment
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.subjects import Workload

# The controllers of Jobs, StatefulSets and DaemonSets report no condition: there, only a fresh event is a present one.
_FRESH = timedelta(minutes=20)
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Refusal:
    """The API server's words, and where they were read."""

    message: str
    facts: tuple[Fact, ...]

    @property
    def short(self) -> str:
        """The words without the pod's name before them."""
        return quoted(re.sub(r"^.*?(?:is forbidden|is invalid|Internal error occurred): ", "", self.message), 200)


def refusal(workload: Workload) -> Refusal | None:
    """The newest refusal that still stands: pods are missing, and none was made since."""
    if len(workload.live) >= workload.desired and workload.pods:
        return None
    maker = _maker(workload)
    state = maker.condition("ReplicaFailure")
    events = [entry for entry in workload.scene.events_of(maker, "FailedCreate") if _is_fresh(workload, entry)]
    said = tuple(map(facts.event, events[:1]))
    if state is not None and state.text("status") == "True":
        message = state.text("message")
        told = facts.field(maker, "status.conditions[ReplicaFailure]", message, state.time("lastTransitionTime"))
        return Refusal(message[:_LONGEST], (told, *said))
    # These two say it in their status, so without that word their events are of the past.
    if maker.kind in {"ReplicaSet", "Deployment"} or not events or _made_since(workload, maker, events):
        return None
    return Refusal(events[0].text("message")[:_LONGEST], said)


def _maker(workload: Workload) -> KubeObject:
    """The object whose controller makes the pods."""
    if workload.object.kind == "Deployment" and workload.revisions:
        return workload.revisions[0].source
    return workload.object


def _is_fresh(workload: Workload, entry: KubeObject) -> bool:
    at = event_time(entry)
    return at is None or workload.scene.now - at <= _FRESH


def _made_since(workload: Workload, maker: KubeObject, refusals: list[KubeObject]) -> bool:
    made = workload.scene.events_of(maker, "SuccessfulCreate")
    newest, refused = (event_time(made[0]) if made else None), (event_time(refusals[0]) if refusals else None)
    return newest is not None and refused is not None and newest > refused


def lacking(workload: Workload) -> str:
    """`2 of 3 pods`, as far as they were counted."""
    if workload.live or workload.scene.covers("Pod", workload.object.namespace):
        return f"{max(workload.desired - len(workload.live), 1)} of {workload.desired} pods"
    status = workload.object.tree("status")
    ready = status.integer("readyReplicas", default=workload.desired)
    return f"{workload.desired - ready} of {workload.desired} pods" if ready < workload.desired else "new pods"


def refused(workload: Workload, form: re.Pattern[str], treatment: Treatment) -> Finding | None:
    """The finding of a cause whose refusals have this form: back where the last change brought it, else for people."""
    found = refusal(workload)
    if found is None or not form.search(found.message):
        return None
    source = treatment.origin(workload)
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title}: {lacking(workload)} cannot be made, {treatment.words}: {found.short}. {source.words}"
        ),
        verdict=source.verdict,
        supporting=(*found.facts, *source.facts),
        remedies=source.remedies,
    )
