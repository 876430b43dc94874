"""A StatefulSet waits for a pod of a former revision that can never become ready."""

from __future__ import annotations

from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.containers import PULL_PROBLEMS, containers_of, is_crashing, is_ready
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.subjects import Workload

_HASH = "controller-revision-hash"
_PATIENCE = timedelta(minutes=2)


def examine(workload: Workload) -> Finding | None:
    """The finding when the template is another one by now, and the broken pod still runs the former."""
    item = workload.object
    wanted = item.text("status", "updateRevision")
    if item.kind != "StatefulSet" or not wanted or item.text("spec", "updateStrategy", "type") == "OnDelete":
        return None
    if item.text("spec", "podManagementPolicy") == "Parallel":
        return None
    for pod in workload.live:
        has = pod.labels.get(_HASH, wanted)
        broken = [
            entry
            for entry in containers_of(pod)
            if entry.waiting in PULL_PROBLEMS or is_crashing(entry, workload.scene.now)
        ]
        if has == wanted or is_ready(pod) or not broken or workload.age(pod) < _PATIENCE:
            continue
        state = broken[0].waiting or f"exit code {broken[0].exit_code}"
        text = f"{pod.name} is of revision {has} and fails ({state})"
        return Finding(
            target=item.ref,
            summary=(
                f"{workload.title} waits for {pod.name}, which still runs a former revision that cannot become ready. "
                "Its controller does not replace a pod that was never ready: it has to be deleted once."
            ),
            verdict=Verdict.APPROVE,
            supporting=(
                facts.field(pod, f"metadata.labels[{_HASH}]", text),
                facts.field(item, "status.updateRevision", f"the present revision is {wanted}"),
            ),
            remedies=(call("restart_pod", pod.ref), escalate(item.ref)),
            places={"pod": pod.name},
        )
    return None


CAUSE = Cause(
    id=CauseId("stateful_set_held_up"),
    title="A StatefulSet waits for a pod of a former revision that cannot become ready",
    faults=(67,),
    needs=("Pod", "StatefulSet"),
    look_alikes={"crash_after_change": "the failing pod is of the present revision"},
    know="With OrderedReady the next pod is touched only when this one is ready, also after the template was mended.",
    by_hand=(
        "kubectl -n {namespace} get pods -L controller-revision-hash",
        "kubectl -n {namespace} delete pod {pod}",
    ),
    narrows=("crash_after_change", "crash_without_change", "image_not_found"),
    workload=examine,
)
