"""Something gives the pods a lower memory limit than their template, and they are killed at it."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import Json
from kubernaut.domain.quantities import parse_quantity
from kubernaut.investigation import facts
from kubernaut.investigation.containers import Container
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.subjects import Workload


def examine(workload: Workload) -> Finding | None:
    """The finding when a killed container has a lower limit than its template: there it cannot be raised."""
    if workload.object.kind == "Pod" or not workload.template.trees("spec", "containers"):
        return None
    for container in workload.containers:
        if not container.is_out_of_memory or container not in workload.crashing:
            continue
        declared, real = _declared(workload, container), container.spec.at("resources", "limits", "memory")
        low, high = parse_quantity(real), parse_quantity(declared)
        if low is None or (high is not None and high <= low):
            continue
        text = f"the pod has limit {real}, its template {declared or 'none'}"
        path = f"spec.containers[{container.name}].resources.limits.memory"
        return Finding(
            target=workload.ref,
            summary=(
                f"{workload.title}: {container.label} is killed at its memory limit, and that limit is not the "
                f"template's: {text}. Find the LimitRange or admission webhook that sets it."
            ),
            verdict=Verdict.ESCALATE,
            supporting=(
                facts.field(container.pod, container.ended_path, f"{container.label}: OOMKilled"),
                facts.field(workload.object, path, text),
                *_defaults(workload, real),
            ),
            remedies=(escalate(workload.ref),),
            places={"pod": container.pod.name, "container": container.name},
        )
    return None


def _declared(workload: Workload, container: Container) -> Json:
    part = "initContainers" if container.status_list == "initContainerStatuses" else "containers"
    wanted = (entry for entry in workload.template.trees("spec", part) if entry.text("name") == container.name)
    return next((entry.at("resources", "limits", "memory") for entry in wanted), None)


def _defaults(workload: Workload, real: Json) -> list[Fact]:
    """The LimitRange whose default that limit is."""
    for item in workload.scene.all("LimitRange", workload.object.namespace):
        for limit in item.trees("spec", "limits"):
            if parse_quantity(limit.at("default", "memory")) == parse_quantity(real):
                text = f"LimitRange {item.name} gives {real} to containers without a limit"
                return [facts.field(item, "spec.limits", text)]
    return []


CAUSE = Cause(
    id=CauseId("memory_limit_imposed"),
    title="Pods are killed at a memory limit that is not their template's",
    faults=(13,),
    needs=("Pod",),
    look_alikes={"memory_limit_too_low": "the limit is the one in the template"},
    know="Raising the template's limit does not help while something else writes the pod's.",
    by_hand=(
        "kubectl -n {namespace} get pod {pod} -o jsonpath='{{.spec.containers[*].resources}}'",
        "kubectl -n {namespace} get limitranges",
        "kubectl get mutatingwebhookconfigurations",
    ),
    narrows=("memory_limit_too_low",),
    workload=examine,
)
