"""A change of a workload's spec was never taken up by its controller."""

from __future__ import annotations

from datetime import datetime, timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.revisions import spell
from kubernaut.investigation.subjects import Workload

_PATIENCE = timedelta(minutes=3)
_KINDS = ("Deployment", "StatefulSet", "DaemonSet")


def examine(workload: Workload) -> Finding | None:
    """The finding when the controller is behind for minutes; it is at work within a second otherwise."""
    item = workload.object
    behind = _behind(item)
    since = _last_write(item) if behind else None
    if since is None or workload.scene.now - since < _PATIENCE:
        return None
    others = [
        other for kind in _KINDS for other in workload.scene.all(kind) if other.ref != item.ref and _behind(other)
    ]
    text = f"generation {item.generation}, and its controller has seen {item.integer('status', 'observedGeneration')}"
    told = [facts.field(item, "status.observedGeneration", text, since)]
    if others:
        words = f"{len(others)} other workloads wait for their controller, too"
        told.append(facts.field(others[0], "status.observedGeneration", words))
    return Finding(
        target=item.ref,
        summary=(
            f"{workload.title} was changed {spell(workload.scene.now - since)} ago and no controller has taken it up: "
            "the controller manager does not work. Changes have no effect until it does."
        ),
        verdict=Verdict.ESCALATE,
        supporting=tuple(told),
        remedies=(escalate(item.ref),),
    )


def _behind(item: KubeObject) -> bool:
    seen = item.integer("status", "observedGeneration", default=item.generation)
    return item.kind in _KINDS and seen < item.generation


def _last_write(item: KubeObject) -> datetime | None:
    """When its spec was last written, by the managed fields."""
    times = [
        moment
        for entry in item.trees("metadata", "managedFields")
        if entry.text("subresource") != "status" and (moment := entry.time("time"))
    ]
    return max(times) if times else item.created_at


CAUSE = Cause(
    id=CauseId("controllers_silent"),
    title="No controller takes up changes",
    faults=(37,),
    needs=("Pod",),
    look_alikes={
        "rollout_in_progress": "the change was made a moment ago",
        "intended_state": "the rollout is paused: its controller has seen the change, and waits",
    },
    know="Without the controller manager nothing is replaced, scaled or rolled back, whatever is written.",
    by_hand=(
        "kubectl -n kube-system get lease kube-controller-manager -o jsonpath='{{.spec.renewTime}}'",
        "kubectl -n {namespace} get {kind}/{name} -o jsonpath='{{..generation}} {{..observedGeneration}}'",
    ),
    workload=examine,
)
