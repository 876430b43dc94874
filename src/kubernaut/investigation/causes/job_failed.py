"""A Job gave up."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.containers import Container, containers_of
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.subjects import Workload

_WHY = {
    "BackoffLimitExceeded": "its pods failed as often as it allows",
    "DeadlineExceeded": "it took longer than its deadline",
    "PodFailurePolicy": "a pod failed in a way for which it gives up at once",
    "FailedIndexes": "some of its indexes failed",
    "MaxFailedIndexesExceeded": "too many of its indexes failed",
}


def examine(workload: Workload) -> Finding | None:
    """The finding for a Job with the condition Failed. Only its owner knows whether it may run twice."""
    item = workload.object
    state = item.condition("Failed") if item.kind == "Job" else None
    if state is None and _seems_over(workload):
        return _unseen(workload)
    if state is None or state.text("status") != "True" or workload.is_finished:
        return None
    ended = _ended(workload)
    why = _WHY.get(state.text("reason"), quoted(state.text("reason"), 60) or "it failed")
    seen = f" Last: {ended[0].text}." if ended else ""
    message = f"{state.text('reason')}: {state.text('message')}"
    pod = workload.pods[0] if workload.pods else None
    return Finding(
        target=item.ref,
        summary=f"{workload.title} gave up: {why}.{seen}",
        verdict=Verdict.ESCALATE,
        supporting=(
            facts.field(item, "status.conditions[Failed]", message, state.time("lastTransitionTime")),
            *ended,
            *_logged(workload, pod),
        ),
        remedies=(escalate(item.ref),),
        places={"pod": pod.name if pod else "POD"},
    )


def _seems_over(workload: Workload) -> bool:
    """Whether nothing of the Job itself was read, and all its pods ended badly."""
    item, pods = workload.object, workload.pods
    if item.kind != "Job" or item.has("status") or not pods:
        return False
    return all(pod.text("status", "phase") == "Failed" or _has_ended(pod) for pod in pods)


def _has_ended(pod: KubeObject) -> bool:
    """What a table of pods shows of one that failed: its container ended, and was not started again."""
    entries = containers_of(pod)
    ended = [entry for entry in entries if entry.status.has("state", "terminated") and not entry.restarts]
    return not pod.has("status", "phase") and bool(entries) and len(ended) == len(entries)


def _unseen(workload: Workload) -> Finding | None:
    ended = _ended(workload)
    if not ended:
        return None
    pod = workload.pods[0]
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: all of its pods failed, and whether it tries again is not shown: {ended[0].text}.",
        verdict=Verdict.ESCALATE,
        supporting=(*ended, *_logged(workload, pod)),
        remedies=(escalate(workload.ref),),
        places={"pod": pod.name},
    )


def _ended(workload: Workload) -> list[Fact]:
    """How the containers of its newest pod ended."""
    pods = sorted(workload.pods, key=lambda pod: str(pod.created_at), reverse=True)
    return [
        facts.field(
            pod,
            entry.ended_path,
            f"{entry.label} ended with {_code(entry)} ({entry.ended.text('reason')})",
            entry.ended.time("finishedAt"),
        )
        for pod in pods[:1]
        for entry in containers_of(pod)
        if entry.ended is not None and entry.is_failed_end
    ]


def _code(entry: Container) -> str:
    return "an error" if entry.exit_code is None else f"code {entry.exit_code}"


def _logged(workload: Workload, pod: KubeObject | None) -> list[Fact]:
    if pod is None:
        return []
    lines = [line for entry in containers_of(pod) for line in workload.scene.log_of(pod, entry.name)]
    return [facts.log(line) for line in lines[:2]]


CAUSE = Cause(
    id=CauseId("job_failed"),
    title="A Job gave up",
    faults=(73, 74),
    needs=("Pod", "Job"),
    look_alikes={
        "healthy": "a later Job of the same CronJob succeeded",
        "crash_without_change": "the Job still tries",
        "job_sidecar_runs_on": "the work is done, and another container keeps the pod alive",
    },
    know="Run it again only if it may run twice: a failed Job may have done half of its work.",
    by_hand=(
        "kubectl -n {namespace} describe job {name}",
        "kubectl -n {namespace} logs -l job-name={name} --all-containers --tail=50",
    ),
    narrows=("crash_without_change",),
    workload=examine,
)
