"""The work of a Job is done, and another container of its pod keeps it from ending."""

from __future__ import annotations

from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.containers import CONTAINER, containers_of
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.revisions import spell
from kubernaut.investigation.subjects import Workload

_PATIENCE = timedelta(minutes=10)


def examine(workload: Workload) -> Finding | None:
    """The finding when one container ended well minutes ago and another of the same pod still runs."""
    if workload.object.kind != "Job" or workload.is_finished:
        return None
    for pod in workload.pods:
        entries = [entry for entry in containers_of(pod) if entry.role == CONTAINER]
        done = [entry for entry in entries if entry.status.has("state", "terminated") and entry.exit_code == 0]
        left = [entry for entry in entries if entry.is_running]
        ended = done[0].ended.time("finishedAt") if done and done[0].ended else None
        if not done or not left or ended is None or workload.scene.now - ended < _PATIENCE:
            continue
        since = spell(workload.scene.now - ended)
        return Finding(
            target=workload.ref,
            summary=(
                f"{workload.title}: {done[0].label} ended well {since} ago, and {left[0].label} runs on, so the Job "
                "never ends. Make it an init container with restartPolicy Always."
            ),
            verdict=Verdict.ESCALATE,
            supporting=(
                facts.field(pod, done[0].ended_path, f"{done[0].label} ended with code 0", ended),
                facts.field(
                    pod,
                    f"status.containerStatuses[{left[0].name}].state.running",
                    f"{left[0].label} still runs",
                    left[0].running_since,
                ),
                facts.field(workload.object, "status.active", f"the Job counts {len(workload.pods)} pods as active"),
            ),
            remedies=(escalate(workload.ref),),
            places={"pod": pod.name, "container": left[0].name},
        )
    return None


CAUSE = Cause(
    id=CauseId("job_sidecar_runs_on"),
    title="A sidecar keeps a Job whose work is done from ending",
    faults=(53,),
    needs=("Pod", "Job"),
    look_alikes={"job_failed": "the work failed", "healthy": "the work goes on"},
    know="An init container with restartPolicy Always is ended by the kubelet when the main containers are done.",
    by_hand=(
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{{.status.containerStatuses[*].state}}'",
        "kubectl -n {namespace} logs {pod} -c {container} --tail=20",
    ),
    workload=examine,
)
