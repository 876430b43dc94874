"""Pods cannot be made because the namespace's quota is used up, or asks for what the template does not declare."""

from __future__ import annotations

import re
from datetime import timedelta

from kubernaut.domain.diagnosis import ActionCall, CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.quantities import amount, parse_quantity
from kubernaut.investigation import facts
from kubernaut.investigation.facts import Fact, event_time
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.refusals import lacking
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.subjects import Workload

_CEILING = "ceiling.kubernaut.ai/"
_QUOTA = re.compile(r"exceeded quota: ([\w.-]+)|failed quota: ([\w.-]+)")
_REQUESTED = re.compile(r"([\w./-]+)=([\w.+-]+)")
# The job and stateful set controllers report no condition: there, only a fresh event is a present one.
_FRESH = timedelta(minutes=20)


def examine(workload: Workload) -> Finding | None:
    """The finding when the refusal still stands: pods are missing, and the quota still has no room."""
    if len(workload.live) >= workload.desired and workload.pods:
        return None
    said = _refusal(workload)
    match = _QUOTA.search(said[0]) if said else None
    if said is None or match is None:
        return None
    message, told = said
    name = match.group(1) or match.group(2)
    quota = workload.scene.get("ResourceQuota", workload.object.namespace, name)
    full = _full(quota, message) if quota else []
    if quota is None and workload.scene.covers("ResourceQuota", workload.object.namespace):
        return None
    if quota is not None and "exceeded quota" in message and not full:
        return None
    more = _room_to_grow(quota, message) if quota else ()
    return Finding(
        target=workload.ref,
        summary=(
            f"{workload.title}: {lacking(workload)} cannot be made, quota {name} refuses them: {_short(message)}."
        ),
        verdict=Verdict.APPROVE if more else Verdict.ESCALATE,
        supporting=(*told, *full),
        remedies=(*more, escalate(workload.ref)),
        places={"quota": name},
    )


def _room_to_grow(quota: KubeObject, message: str) -> tuple[ActionCall, ...]:
    """The number that refuses, raised to the ceiling that the quota's owner declared for it."""
    requested = message.partition("requested: ")[2].partition(", used:")[0]
    for name, _ in _REQUESTED.findall(requested):
        ceiling = quota.annotations.get(f"{_CEILING}{name}", "")
        if amount(ceiling) > amount(quota.at("spec", "hard", name)):
            return (call("adjust_quota", quota.ref, resource=name, hard=ceiling),)
    return ()


def _refusal(workload: Workload) -> tuple[str, list[Fact]] | None:
    """The newest refusal by a quota, from the condition of the present ReplicaSet or from fresh events."""
    makers = (
        [workload.revisions[0].source]
        if workload.object.kind == "Deployment" and workload.revisions
        else [workload.object]
    )
    for maker in makers:
        state = maker.condition("ReplicaFailure")
        failed = state is not None and state.text("status") == "True"
        if maker.kind == "ReplicaSet" and not failed:
            continue
        told = (
            [facts.field(maker, "status.conditions[ReplicaFailure]", state.text("message"))] if state and failed else []
        )
        events = [entry for entry in workload.scene.events_of(maker, "FailedCreate") if _is_fresh(workload, entry)]
        texts = [state.text("message")] if state and failed else [entry.text("message") for entry in events[:1]]
        about = [facts.event(entry) for entry in events if _QUOTA.search(entry.text("message"))][:1]
        if texts and _QUOTA.search(texts[0]):
            return texts[0], [*told, *about]
    return None


def _is_fresh(workload: Workload, entry: KubeObject) -> bool:
    at = event_time(entry)
    return at is None or workload.scene.now - at <= _FRESH


def _full(quota: KubeObject, message: str) -> list[Fact]:
    """The resources of the refusal for which the quota still has too little left."""
    _, _, rest = message.partition("requested: ")
    asked = dict(_REQUESTED.findall(rest.partition(", used:")[0]))
    found = []
    for name, wanted in asked.items():
        hard, used = quota.at("status", "hard", name), quota.at("status", "used", name)
        room, taken, more = parse_quantity(hard), parse_quantity(used), parse_quantity(wanted)
        if room is not None and taken is not None and more is not None and taken + more > room:
            found.append(
                facts.field(quota, f"status.used[{name}]", f"{name}: {used} of {hard} used, {wanted} asked for")
            )
    return found


def _short(message: str) -> str:
    found = re.search(r"(?:exceeded|failed) quota: .*", message[:2000])
    return found.group(0).rstrip(". ") if found else "quota"


CAUSE = Cause(
    id=CauseId("quota_exceeded"),
    title="The namespace's quota refuses new pods",
    faults=(1, 2, 3, 4),
    needs=("Pod", "ReplicaSet", "ResourceQuota"),
    look_alikes={
        "insufficient_resources": "the pods exist and wait for a node",
        "self_healed": "the refusal is over: the quota has room again",
        "unknown": "another refusal of the API server: admission webhook, Pod Security, service account, LimitRange",
    },
    know="A quota is a decision about the namespace: raise it to the declared need, or lower requests or replicas.",
    by_hand=(
        "kubectl -n {namespace} describe quota {quota}",
        "kubectl -n {namespace} get events --field-selector reason=FailedCreate",
    ),
    workload=examine,
)
