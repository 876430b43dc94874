"""A rollout ran out of time, and nothing says more exactly why."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.condition import is_overdue
from kubernaut.investigation.containers import CONTAINER, is_ready
from kubernaut.investigation.finding import Cause, Finding, Role
from kubernaut.investigation.origin import origin
from kubernaut.investigation.probes import Answer, failed_probe
from kubernaut.investigation.starting import slow_start
from kubernaut.investigation.subjects import Workload


def examine(workload: Workload) -> Finding | None:
    """The finding when no pod of the new revision is ready and the deadline passed, or no other pod is left."""
    state = workload.object.condition("Progressing")
    if state is None or not workload.pods or any(is_ready(pod) for pod in workload.pods):
        return None
    late = state.text("reason") == "ProgressDeadlineExceeded"
    if (not late and not _serves_nobody(workload)) or slow_start(workload):
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
    how = "the rollout ran out of time" if late else "the rollout left nothing that serves"
    pod = workload.pods[0]
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: {how}: {text}. {source.words}",
        verdict=source.verdict,
        supporting=(
            facts.field(workload.object, "status.conditions[Progressing]", state.text("message")),
            facts.field(pod, "status.conditions[Ready]", text),
            *source.facts,
        ),
        remedies=source.remedies,
        places={"pod": pod.name},
    )


def _serves_nobody(workload: Workload) -> bool:
    """Whether all former pods are gone, and the new ones run and are not ready though their time has passed.

    An unsafe strategy allows that long before the deadline; then waiting for the deadline is an outage.
    """
    gone = workload.desired > 0 and workload.ready == 0 and _runs(workload)
    return gone and all(is_overdue(workload, pod) for pod in workload.pods) and _says_so(workload)


def _says_so(workload: Workload) -> bool:
    """Whether the new version answers its probe, and says that it is not ready. What does not listen yet may start."""
    probes = (failed_probe(workload.scene, entry) for entry in workload.containers)
    return any(probe is not None and probe.answer is Answer.NOT_READY for probe in probes)


def _runs(workload: Workload) -> bool:
    """Whether the new pods run: what was never started may wait for its node or its volumes."""
    return all(entry.is_running for entry in workload.containers if entry.role == CONTAINER)


CAUSE = Cause(
    id=CauseId("rollout_stuck"),
    title="A rollout ran out of time",
    faults=(67,),
    needs=("Pod", "ReplicaSet", "Event"),
    look_alikes={
        "rollout_in_progress": "its deadline has not passed and former pods serve, or it is known to start slowly",
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
