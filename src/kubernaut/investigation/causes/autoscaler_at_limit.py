"""An autoscaler wants more pods than it may make."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionCall, CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.provenance import last_writer
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.things import AUTOSCALER, Thing


def examine(thing: Thing) -> Finding | None:
    """The finding when it is held at its maximum. The maximum is a budget, so people decide."""
    item = thing.object
    state = item.condition("ScalingLimited") if item.kind == AUTOSCALER else None
    if state is None or state.text("status") != "True" or state.text("reason") != "TooManyReplicas":
        return None
    most = item.integer("spec", "maxReplicas")
    crashing = _crashing(thing)
    author = last_writer(item, "spec", "maxReplicas") or last_writer(item, "spec", "metrics")
    edited = author is not None and author.at is not None and author.at != item.created_at
    told = [facts.field(item, "status.conditions[ScalingLimited]", f"TooManyReplicas: {state.text('message')}")]
    if edited:
        told.append(facts.change(item, "metadata.managedFields", f"its bounds were last written {author}"))
    return Finding(
        target=item.ref,
        summary=f"Autoscaler {item.name} is at its maximum of {most} pods and wants more ({_metrics(item)}).",
        verdict=Verdict.ESCALATE if crashing else Verdict.APPROVE,
        supporting=(*told, facts.field(item, "spec.maxReplicas", f"maxReplicas {most}, {_metrics(item)}")),
        contradicting=tuple(crashing),
        remedies=(*(() if crashing else (_raised(item, most),)), escalate(item.ref)),
        places={"scaler": item.name},
    )


def _raised(item: KubeObject, most: int) -> ActionCall:
    """Half as many pods again: the maximum is somebody's budget, so it is asked for and not taken."""
    return call("patch_hpa", item.ref, max_replicas=min(1000, most + max(1, most // 2)))


def _metrics(item: KubeObject) -> str:
    """`cpu 93 of 70 %`, as far as both are reported as shares of the request."""
    wanted = {
        metric.text("resource", "name"): metric.integer("resource", "target", "averageUtilization")
        for metric in item.trees("spec", "metrics")
    }
    found = [
        f"{name} {metric.integer('resource', 'current', 'averageUtilization')} of {wanted[name]} %"
        for metric in item.trees("status", "currentMetrics")
        if (name := metric.text("resource", "name")) in wanted
    ]
    return ", ".join(found) or "its metrics are not reported"


def _crashing(thing: Thing) -> list[Fact]:
    """That the pods fail: then more of them do not help."""
    for item in thing.workloads:
        entries = Workload(thing.scene, item).crashing
        if entries:
            text = f"{entries[0].label} of {entries[0].pod.name} fails: more pods would not help"
            return [facts.field(entries[0].pod, "status.containerStatuses", text)]
    return []


CAUSE = Cause(
    id=CauseId("autoscaler_at_limit"),
    title="An autoscaler is at its maximum",
    faults=(71,),
    needs=(AUTOSCALER,),
    look_alikes={
        "autoscaler_blind": "it gets no numbers to decide by",
        "insufficient_resources": "it may make more pods, and the nodes have no room",
    },
    know="Look at the load before the maximum: a target or a request that is set too low wants ever more pods.",
    by_hand=(
        "kubectl -n {namespace} describe hpa {scaler}",
        "kubectl -n {namespace} top pods",
    ),
    thing=examine,
)
