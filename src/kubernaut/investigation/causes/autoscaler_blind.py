"""An autoscaler does not get the numbers that it decides by."""

from __future__ import annotations

import re

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.investigation import facts
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.intent import autoscalers
from kubernaut.investigation.origin import Origin, of_pod, origin
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.scene import Scene
from kubernaut.investigation.subjects import Workload
from kubernaut.investigation.things import AUTOSCALER, Thing

_NO_REQUEST = re.compile(r"missing request for (\w+)(?: in container ([\w-]+))?")
_NO_TARGET = re.compile(r"not found|no matches for kind")
_DISABLED = "ScalingDisabled"


def examine(workload: Workload) -> Finding | None:
    """The finding for a workload whose pods lack the request that its autoscaler counts by."""
    if workload.ready < workload.desired or workload.crashing or workload.failing_pulls:
        return None  # what keeps its pods from working comes before how many they should be
    for scaler in autoscalers(workload):
        state = _failure(scaler)
        if state is not None and _NO_REQUEST.search(state.text("message")):
            return _finding(workload.scene, scaler, state, workload)
    return None


def examine_thing(thing: Thing) -> Finding | None:
    """The finding for the autoscaler itself."""
    state = _failure(thing.object) if thing.object.kind == AUTOSCALER else None
    if state is None:
        return None
    workload = Workload(thing.scene, thing.workloads[0]) if thing.workloads else None
    return _finding(thing.scene, thing.object, state, workload)


def _failure(scaler: KubeObject) -> Tree | None:
    """The condition that says it cannot scale; one that is at zero on purpose is disabled, not broken."""
    for kind in ("ScalingActive", "AbleToScale"):
        state = scaler.condition(kind)
        if state is not None and state.text("status") == "False" and state.text("reason") != _DISABLED:
            return state
    return None


def _finding(scene: Scene, scaler: KubeObject, state: Tree, workload: Workload | None) -> Finding:
    message = state.text("message")
    request = _NO_REQUEST.search(message)
    if request and workload:
        source = origin(
            workload,
            of_pod("requests", "resources"),
            otherwise=f"Its pods never declared a {request.group(1)} request, and an average of it cannot be taken.",
        )
    elif request:
        who = f"Container {request.group(2)}" if request.group(2) else "A container"
        words = f"{who} of its pods declares no {request.group(1)} request, and an average of it cannot be taken."
        source = Origin(Verdict.ESCALATE, (escalate(scaler.ref),), (), words, is_change=False)
    elif _NO_TARGET.search(message) and not workload:
        words = "What it is to scale does not exist."
        source = Origin(Verdict.ESCALATE, (escalate(scaler.ref),), (), words, is_change=False)
    else:
        words = "Look at the metrics API: metrics-server, or the adapter for custom metrics."
        source = Origin(Verdict.ESCALATE, (escalate(scaler.ref),), (), words, is_change=False)
    kind = state.text("type")
    events = scene.events_of(scaler, "FailedGetResourceMetric", "FailedComputeMetricsReplicas", "FailedGetScale")
    return Finding(
        target=workload.ref if workload and source.is_change else scaler.ref,
        summary=(
            f"Autoscaler {scaler.name} does not scale ({state.text('reason')}): {quoted(message, 200)}. {source.words}"
        ),
        verdict=source.verdict,
        supporting=(
            facts.field(scaler, f"status.conditions[{kind}]", message, state.time("lastTransitionTime")),
            *(facts.event(entry) for entry in events[:1]),
            *source.facts,
        ),
        remedies=source.remedies,
        places={"scaler": scaler.name},
    )


CAUSE = Cause(
    id=CauseId("autoscaler_blind"),
    title="An autoscaler does not get its metrics",
    faults=(70,),
    needs=(AUTOSCALER, "ReplicaSet"),
    look_alikes={
        "autoscaler_at_limit": "it gets its numbers, and may not scale further",
        "intended_state": "its workload was scaled to zero, which disables it",
    },
    know="Every container of the pod needs the request, sidecars too: without one of them there is no average.",
    by_hand=(
        "kubectl -n {namespace} describe hpa {scaler}",
        "kubectl get apiservices v1beta1.metrics.k8s.io",
        "kubectl -n {namespace} top pods",
    ),
    workload=examine,
    thing=examine_thing,
)
