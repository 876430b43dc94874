"""Pods wait, and no scheduler has said anything about them."""

from __future__ import annotations

from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.containers import is_leaving
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.revisions import spell
from kubernaut.investigation.subjects import Workload

_DEFAULT = "default-scheduler"
_PATIENCE = timedelta(minutes=2)


def examine(workload: Workload) -> Finding | None:
    """The finding when a pod has neither a node nor any word of a scheduler for longer than a look takes."""
    silent = [pod for pod in workload.pods if _is_overlooked(workload, pod)]
    if not silent:
        return None
    pod = max(silent, key=workload.age)
    name = pod.text("spec", "schedulerName") or _DEFAULT
    own = "" if name == _DEFAULT else " No scheduler of that name may be there at all."
    text = f"no node, and no PodScheduled condition for {spell(workload.age(pod))}"
    return Finding(
        target=workload.ref,
        summary=f"{workload.title}: {len(silent)} pods wait, and {name} has not looked at them.{own}",
        verdict=Verdict.ESCALATE,
        supporting=(
            facts.field(pod, "status.conditions[PodScheduled]", text, pod.created_at),
            facts.absence(pod, "events", f"no event of {name} about {pod.name}"),
        ),
        remedies=(escalate(workload.ref),),
        places={"pod": pod.name},
    )


def _is_overlooked(workload: Workload, pod: KubeObject) -> bool:
    if pod.has("spec", "nodeName") or is_leaving(pod) or pod.trees("spec", "schedulingGates"):
        return False
    if pod.trees("status", "containerStatuses") or pod.trees("status", "initContainerStatuses"):
        return False  # only a kubelet writes these, so it has a node, seen or not
    if pod.ref in workload.scene.partial:
        return False  # a table shows no conditions
    if pod.condition("PodScheduled") is not None or pod.text("status", "phase") not in ("", "Pending"):
        return False
    spoken = workload.scene.events_of(pod, "FailedScheduling", "Scheduled", "Nominated")
    return not spoken and workload.age(pod) > _PATIENCE


CAUSE = Cause(
    id=CauseId("scheduler_silent"),
    title="No scheduler looks at the pods",
    faults=(36,),
    needs=("Pod", "Event"),
    look_alikes={
        "insufficient_resources": "the scheduler did look, and says why it found no node",
        "intended_state": "a scheduling gate holds the pods back on purpose",
    },
    know="Either the scheduler is down, or the pods name one (spec.schedulerName) that does not run.",
    by_hand=(
        "kubectl -n kube-system get lease kube-scheduler -o jsonpath='{{.spec.renewTime}}'",
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{{.spec.schedulerName}} {{.status.conditions}}'",
    ),
    workload=examine,
)
