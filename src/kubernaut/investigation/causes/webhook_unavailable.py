"""An admission webhook that must be asked gives no answer, so nothing can be made."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.causes import scaled_to_zero
from kubernaut.investigation.containers import is_ready
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.refusals import refusal
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.subjects import Service, Workload

_FORM = re.compile(r'failed calling webhook "([^"]*)"(?:.*?https?://([\w-]+)\.([\w-]+)\.svc)?', re.DOTALL)
_WHY = (
    (re.compile(r"x509:|tls:"), "its certificate is not trusted: the caBundle does not fit what it serves"),
    (re.compile(r"no endpoints available|connection refused|no route to host"), "no pod of it answers"),
    (re.compile(r'service "[^"]*" not found|no such host'), "its Service does not exist"),
    (re.compile(r"deadline exceeded|[Tt]imeout|i/o timeout"), "it takes longer than it is given"),
    (re.compile(r"\b5\d\d\b|EOF|connection reset"), "it fails itself"),
)


def examine(workload: Workload) -> Finding | None:
    """The finding when a webhook with failurePolicy Fail cannot be asked. To lift it is a decision on security."""
    found = refusal(workload)
    match = _FORM.search(found.message) if found else None
    if found is None or match is None:
        return None
    name, service, place = match.group(1), match.group(2) or "", match.group(3) or ""
    why = next((words for form, words in _WHY if form.search(found.message)), "it could not be asked")
    stopped = _stopped(workload, service, place)
    behind = f" Behind it is Service {place}/{service}." if service else ""
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title}: new pods are refused because webhook {name} gives no answer: {why}.{behind}"
            f"{f' {stopped.summary}' if stopped else ''}"
        ),
        verdict=Verdict.APPROVE if stopped else Verdict.ESCALATE,
        supporting=(*found.facts, *_backend(workload, service, place), *(stopped.supporting if stopped else ())),
        remedies=(*(stopped.remedies[:1] if stopped else ()), escalate(workload.ref)),
        places={"service": service or "SERVICE", "place": place or "NAMESPACE"},
        is_symptom=stopped is None,
    )


def _stopped(workload: Workload, service: str, place: str) -> Finding | None:
    """That the program behind the webhook was scaled to zero, and to how many it goes back."""
    scene = workload.scene
    item = scene.get("Service", place, service) if service else None
    behind = Service(scene, item).workloads if item else []
    found = (scaled_to_zero.examine(Workload(scene, each)) for each in behind)
    return next(
        (each for each in found if each and each.remedies[0].action != "escalate" and not each.contradicting), None
    )


def _backend(workload: Workload, service: str, place: str) -> list[Fact]:
    """That the webhook's Service is gone, or selects no ready pod, where that namespace was read."""
    scene = workload.scene
    if not service or not scene.covers("Service", place):
        return []
    item = scene.get("Service", place, service)
    if item is None:
        return [facts.absence(workload.object, f"service/{service}", f"there is no Service {place}/{service}")]
    ready = [pod for pod in scene.selected(place, item.mapping("spec", "selector")) if is_ready(pod)]
    return [] if ready else [facts.field(item, "spec.selector", f"Service {place}/{service} selects no ready pod")]


CAUSE = Cause(
    id=CauseId("webhook_unavailable"),
    title="An admission webhook gives no answer, so no pod can be made",
    faults=(10, 11, 12),
    needs=("Pod", "ReplicaSet", "Event"),
    look_alikes={
        "webhook_denies": "the webhook answers, and says no",
        "quota_exceeded": "the API server itself refuses",
    },
    know="Mend the webhook's backend first: with failurePolicy Ignore, what it checks goes unchecked.",
    by_hand=(
        "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
        "kubectl -n {place} get service,endpointslices {service}",
        "kubectl -n {namespace} get events --field-selector reason=FailedCreate",
    ),
    workload=examine,
)
