"""Something is wrong, and no cause of the catalogue explains it."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.investigation import facts
from kubernaut.investigation.condition import family, readiness, recent_warnings
from kubernaut.investigation.containers import HARMLESS_WAITS, is_ready
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding, Role
from kubernaut.investigation.remedies import call, escalate
from kubernaut.investigation.subjects import Node, Other, Service, Workload

_SHOWN = 3


def examine(workload: Workload) -> Finding | None:
    """What was seen of a workload that is not as wanted, and what would settle it."""
    if _is_only_named(workload):
        return None
    told = [readiness(workload), *_states(workload), *recent_warnings(workload.scene, family(workload))[:_SHOWN]]
    told += [
        facts.log(line) for entry in workload.containers for line in workload.scene.log_of(entry.pod, entry.name)[:1]
    ][:2]
    change = workload.change_fact()
    seen = f" Seen: {told[1].text}." if len(told) > 1 else ""
    return _finding(workload.object, workload.title, f"{told[0].text}.{seen}", [*told, *((change,) if change else ())])


def _is_only_named(workload: Workload) -> bool:
    """Whether a ticket names it, or pods of it, without a word of how they are."""
    scene, live = workload.scene, workload.live
    if workload.ref not in scene.partial or workload.object.has("status", "readyReplicas"):
        return False
    silent = all(pod.ref in scene.partial and pod.condition("Ready") is None for pod in live)
    return silent and not recent_warnings(scene, family(workload))


def _states(workload: Workload) -> list[Fact]:
    """What the kubelet and the scheduler say of its pods that are not ready."""
    found: list[Fact] = []
    for pod in (pod for pod in workload.live if not is_ready(pod)):
        for state in pod.conditions():
            if state.text("status") == "False" and state.text("message"):
                where = f"status.conditions[{state.text('type')}]"
                found.append(facts.field(pod, where, f"{state.text('reason')}: {state.text('message')}"))
        if pod.text("status", "reason"):
            text = f"{pod.text('status', 'reason')}: {pod.text('status', 'message')}"
            found.append(facts.field(pod, "status.reason", text))
    return [*_container_states(workload), *found][:_SHOWN]


def _container_states(workload: Workload) -> list[Fact]:
    """What keeps the containers from running, each name once."""
    found: dict[str, Fact] = {}
    for entry in workload.containers:
        if entry.is_out_of_memory and entry.ended is not None:
            why = "OOMKilled without a memory limit of its own" if entry.is_spec_read else "OOMKilled"
            text = f"{entry.label}: {why}"
            found[entry.name] = facts.field(entry.pod, entry.ended_path, text)
        elif entry.waiting not in HARMLESS_WAITS:
            fact = facts.field(entry.pod, entry.waiting_path, f"{entry.waiting}: {entry.message}")
            found.setdefault(entry.name, fact)
    return list(found.values())


def examine_service(service: Service) -> Finding | None:
    """What was seen of a Service that does not serve as wanted; nothing where it is not shown which pods it selects."""
    if not service.is_selector_read:
        return None
    text = f"{len(service.selected)} pods selected, {service.ready_endpoints} ready addresses"
    warned = recent_warnings(service.scene, [service.object])[:_SHOWN]
    told = [*warned, facts.field(service.object, "endpoints", text)]
    return _finding(service.object, f"Service {service.object.name}", f"{told[0].text}.", told)


def examine_node(node: Node) -> Finding | None:
    """What was seen of a node."""
    if node.object.ref in node.scene.partial and not list(node.object.conditions()):
        return None
    told = [
        facts.field(
            node.object, f"status.conditions[{state.text('type')}]", f"{state.text('status')}: {state.text('message')}"
        )
        for state in node.object.conditions()
    ][:_SHOWN] or [facts.field(node.object, "status.conditions", "no condition is reported")]
    return _finding(node.object, f"Node {node.object.name}", told[0].text, told)


def examine_other(other: Other) -> Finding | None:
    """What an object of another kind and the events about it say."""
    item = other.object
    told = [
        facts.field(item, f"status.conditions[{state.text('type')}]", _said(state))
        for state in item.conditions()
        if state.text("message") or state.text("reason")
    ][:_SHOWN]
    told += recent_warnings(other.scene, [item])[:_SHOWN]
    phase = item.text("status", "phase")
    if not told and not phase:
        return None
    told = told or [facts.field(item, "status.phase", phase)]
    return _finding(item, f"{item.kind} {item.name}", f"{told[0].text}.", told)


def _said(state: Tree) -> str:
    return f"{state.text('status')}: {state.text('message') or state.text('reason')}"


def _finding(item: KubeObject, title: str, seen: str, told: list[Fact]) -> Finding:
    return Finding(
        target=item.ref,
        summary=f"{title}: {seen} No cause that is known here explains it.",
        verdict=Verdict.ESCALATE,
        supporting=tuple(told),
        remedies=(call("collect_diagnostics", item.ref), escalate(item.ref)),
    )


CAUSE = Cause(
    id=CauseId("unknown"),
    title="No known cause explains it",
    needs=("Pod", "ReplicaSet", "Event", "Node", "Service", "ConfigMap", "Secret"),
    look_alikes={},
    know="What was not read is listed with the diagnosis: reading it is the first step.",
    by_hand=(
        "kubectl -n {namespace} describe {kind}/{name}",
        "kubectl -n {namespace} get events --sort-by=.lastTimestamp",
    ),
    role=Role.LAST,
    workload=examine,
    service=examine_service,
    node=examine_node,
    other=examine_other,
)
