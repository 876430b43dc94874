"""A rollout, a scaling or a start that still has time."""

from __future__ import annotations

from kubernaut.domain.diagnosis import CauseId, Verdict
from kubernaut.investigation import facts
from kubernaut.investigation.causes.node_not_ready import is_joining
from kubernaut.investigation.condition import is_under_way, is_whole, of_its_workloads, readiness, trouble
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.finding import Cause, Finding, Role
from kubernaut.investigation.scheduling import coming_node
from kubernaut.investigation.starting import has_time, slow_start
from kubernaut.investigation.subjects import Node, Service, Workload


def examine(workload: Workload) -> Finding | None:
    """The finding when pods are missing or not ready, none of them fails, and the time for it has not run out."""
    if is_whole(workload):
        return None
    slow = [] if is_under_way(workload) else _may_still_start(workload)
    if slow is None:
        return None
    told = [readiness(workload), *slow]
    state = workload.object.condition("Progressing")
    if state is not None:
        at = state.time("lastUpdateTime")
        told.append(facts.field(workload.object, "status.conditions[Progressing]", state.text("message"), at))
    change = workload.change_fact()
    summary = f"{workload.title} is on its way: {told[0].text}, none fails, and its time has not run out. Wait."
    return Finding(workload.ref, summary, Verdict.DECLINE, (*told, *((change,) if change else ())))


def _may_still_start(workload: Workload) -> list[Fact] | None:
    """Why pods that have had their time, or have no node, are waited for still; None where nothing says so."""
    if workload.pending:
        coming = [coming_node(workload.scene, pod) for pod in workload.pending]
        return None if trouble(workload) or None in coming else [fact for fact in coming if fact][:1]
    known = slow_start(workload)
    return [known] if known else [] if has_time(workload) else None


def examine_service(service: Service) -> Finding | None:
    """The finding when the Service waits for pods that are on their way."""
    return of_its_workloads(service, examine)


def examine_node(node: Node) -> Finding | None:
    """The finding when the node joined a moment ago."""
    if node.is_ready or not is_joining(node):
        return None
    at = node.object.created_at
    told = facts.field(node.object, "metadata.creationTimestamp", "the node joined less than five minutes ago", at)
    return Finding(node.object.ref, f"Node {node.object.name} is still joining. Wait.", Verdict.DECLINE, (told,))


CAUSE = Cause(
    id=CauseId("rollout_in_progress"),
    title="A rollout or a start is under way",
    faults=(117,),
    needs=("Pod", "ReplicaSet"),
    look_alikes={
        "crash_after_change": "a pod of the new revision fails",
        "readiness_probe_wrong": "the probe asks a port or path that is not there",
    },
    know="Look again when progressDeadlineSeconds (600 by default) has passed.",
    by_hand=("kubectl -n {namespace} rollout status {kind}/{name}",),
    role=Role.SETTLED,
    workload=examine,
    service=examine_service,
    node=examine_node,
)
