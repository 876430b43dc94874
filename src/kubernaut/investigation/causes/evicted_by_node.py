"""A node that ran short of memory, disk or processes evicted pods."""

from __future__ import annotations

import re
from datetime import timedelta

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.condition import is_whole
from kubernaut.investigation.finding import Cause, Finding
from kubernaut.investigation.remedies import escalate
from kubernaut.investigation.subjects import Node, Workload

_FORM = re.compile(r"low on resource: ([\w-]+)|had condition: \[([\w, ]+)\]")
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")
_RECENT = timedelta(hours=1)


def examine(workload: Workload) -> Finding | None:
    """The finding for a workload that lost pods to such a node and is not whole again."""
    evicted = [pod for pod in workload.scene.pods_of(workload.object) if _is_recent(workload, pod)]
    if not evicted or is_whole(workload):
        return None
    pod = max(evicted, key=lambda entry: (entry.has("status", "message"), str(entry.created_at)))
    match = _FORM.search(pod.text("status", "message"))
    if match is None:
        return None
    name = pod.text("spec", "nodeName")
    node = workload.scene.get("Node", "", name) if name else _only_pressed(workload)
    pressed = _pressures(node) if node else []
    short = match.group(1) or match.group(2)
    where = f"by {name}, which is" if name else "by a node that is not shown, which was"
    if node and not name:
        where = f"probably by {node.name}, which reports {' and '.join(pressed)}: the node was"
    return Finding(
        target=node.ref if node and pressed else workload.ref,
        summary=(f"{workload.title}: {len(evicted)} pods were evicted by nodes, last {where} short of {short}."),
        verdict=Verdict.ESCALATE,
        supporting=(
            facts.field(pod, "status.reason", f"Evicted: {pod.text('status', 'message')}"),
            *(facts.event(entry) for entry in workload.scene.events_of(pod, "Evicted")[:1]),
            *([facts.field(node, f"status.conditions[{kind}]", f"{kind} is True") for kind in pressed] if node else []),
        ),
        remedies=(escalate(node.ref if node and pressed else workload.ref),),
        places={"node": name or (node.name if node else "NODE"), "pod": pod.name},
    )


def _only_pressed(workload: Workload) -> KubeObject | None:
    """The one node that reports a pressure, where it is not shown which node a pod was on."""
    found = [node for node in workload.scene.all("Node") if _pressures(node)]
    return found[0] if len(found) == 1 else None


def _is_recent(workload: Workload, pod: KubeObject) -> bool:
    if pod.text("status", "reason") != "Evicted":
        return False
    state = pod.condition("DisruptionTarget")
    at = (state.time("lastTransitionTime") if state else None) or pod.time("status", "startTime") or pod.created_at
    return at is None or workload.scene.now - at <= _RECENT


def _pressures(node: KubeObject) -> list[str]:
    found = ((kind, node.condition(kind)) for kind in _PRESSURES)
    return [kind for kind, state in found if state is not None and state.text("status") == "True"]


def examine_node(node: Node) -> Finding | None:
    """The finding for a node that reports it is short of something."""
    pressed = _pressures(node.object)
    if not pressed:
        return None
    evicted = [pod for pod in node.pods if pod.text("status", "reason") == "Evicted"]
    told = []
    for kind in pressed:
        state = node.object.condition(kind)
        text = f"{kind}: {state.text('message') if state else ''}"
        told.append(facts.field(node.object, f"status.conditions[{kind}]", text))
    events = node.scene.events_of(node.object, "EvictionThresholdMet", "FreeDiskSpaceFailed", "SystemOOM")
    lost = [facts.field(evicted[0], "status.reason", f"{len(evicted)} of its pods were evicted")] if evicted else []
    return Finding(
        target=node.object.ref,
        summary=(
            f"Node {node.object.name} reports {' and '.join(pressed)}; {_count(evicted, node.pods)}. "
            "It takes no new pods until that is over."
        ),
        verdict=Verdict.ESCALATE,
        supporting=(*told, *(facts.event(entry) for entry in events[:1]), *lost),
        remedies=(escalate(node.object.ref),),
        places={"node": node.object.name, "pod": "POD"},
    )


def _count(evicted: list[KubeObject], pods: list[KubeObject]) -> str:
    return (
        f"{len(evicted)} of {len(pods)} pods seen there were evicted" if pods else "which pods are there is not shown"
    )


CAUSE = Cause(
    id=CauseId("evicted_by_node"),
    title="A node is short of memory, disk or processes and evicts pods",
    faults=(106, 107),
    needs=("Pod", "Node"),
    look_alikes={
        "ephemeral_storage_exceeded": "the pod went over a limit of its own; the node had room",
        "memory_limit_too_low": "the container was killed at its own limit",
        "preempted": "a pod of higher priority took the place",
    },
    know="Pods that use more than they request go first: a request that is too low makes a pod the first victim.",
    by_hand=(
        "kubectl describe node {node}",
        "kubectl get pods -A --field-selector status.phase=Failed,spec.nodeName={node}",
        "kubectl top pods -A --sort-by=memory",
    ),
    workload=examine,
    node=examine_node,
)
