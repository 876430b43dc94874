"""A rollout ran out of time, and nothing says more exactly why."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.containers import CONTAINER, is_ready
from kubernaut.investigation.finding import Cause, Finding, Role
from kubernaut.investigation.origin import origin
from kubernaut.investigation.subjects import Workload


def examine(workload: Workload) -> Finding | None:
    """The finding when the deadline passed, no pod of the new revision is ready, and pods of the former one are."""
    state = workload.object.condition("Progressing")
    if state is None or state.text("reason") != "ProgressDeadlineExceeded" or not workload.pods:
        return None
    if any(is_ready(pod) for pod in workload.pods):
        return None
    source = origin(
        workload,
        lambda _: True,
        otherwise="The template did not change.",
        verdict=Verdict.ACT if workload.ready and _runs(workload) else Verdict.APPROVE,
    )
    if not source.is_change:
        return None
    text = f"{len(workload.pods)} pods of the new revision are not ready, {workload.ready} of the former are"
    pod = workload.pods[0]
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: the rollout ran out of time: {text}. {source.words}",
        verdict=source.verdict,
        supporting=(
            facts.field(workload.object, "status.conditions[Progressing]", state.text("message")),
            facts.field(pod, "status.conditions[Ready]", text),
            *source.facts,
        ),
        remedies=source.remedies,
        places={"pod": pod.name},
    )


def _runs(workload: Workload) -> bool:
    """Whether the new pods run: what was never started may wait for its node or its volumes."""
    return all(entry.is_running for entry in workload.containers if entry.role == CONTAINER)


CAUSE = Cause(
    id=CauseId("rollout_stuck"),
    title="A rollout ran out of time",
    faults=(67,),
    needs=("Pod", "ReplicaSet", "Event"),
    look_alikes={
        "rollout_in_progress": "its deadline has not passed",
        "crash_after_change": "the new pods end, they do not only stay unready",
        "readiness_probe_wrong": "the probe of the new pods asks what they do not serve",
    },
    know="The deadline is spec.progressDeadlineSeconds; nothing goes back by itself when it passes.",
    by_hand=(
        "kubectl -n {namespace} rollout status {kind}/{name}",
        "kubectl -n {namespace} describe pod {pod}",
        "kubectl -n {namespace} rollout undo {kind}/{name}",
    ),
    role=Role.OUTLINE,
    workload=examine,
)
