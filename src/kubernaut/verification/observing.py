"""One look at the target of an action."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from kubernaut.domain.changes import Eviction, ObjectCreation, ObjectDeletion
from kubernaut.domain.diagnosis import ActionCall
from kubernaut.domain.execution import Intent, Observation
from kubernaut.domain.held_fields import path_of
from kubernaut.domain.objects import KubeObject, ObjectRef, Tree
from kubernaut.domain.ownership import reverter_of, rewriter_of
from kubernaut.domain.patches import holds, value_at
from kubernaut.domain.snapshots import drifted
from kubernaut.domain.workloads import Rollout, is_ready, rollout_of
from kubernaut.ports import ClusterReader, Metrics
from kubernaut.resources import ENDPOINT_SLICE, POD, REPLICA_SET
from kubernaut.verification.measuring import is_measured, share_recovered
from kubernaut.verification.soundness import soundness_of

WORKLOADS: Final = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})
_QUARANTINE: Final = "kubernaut.ai/quarantine"
_REVISION: Final = "deployment.kubernetes.io/revision"
# What a container waits for while it starts; any other reason to wait is a failure.
_STARTING: Final = frozenset({"", "ContainerCreating", "PodInitializing"})


@dataclass(frozen=True, slots=True)
class Health:
    """How many of the units wanted are well; `problem` is what is wrong with the others."""

    settled: bool
    healthy: int
    desired: int
    restarts: int = 0
    problem: str = ""


async def observe(
    reader: ClusterReader,
    call: ActionCall,
    intent: Intent,
    *,
    at: datetime,
    alert_firing: bool | None = None,
    metrics: Metrics | None = None,
) -> Observation:
    """What the target looks like now; raises a `ClusterError` where that cannot be read."""
    before = KubeObject(intent.snapshot)
    subject = subject_of(call, intent)
    now = await reader.get(subject)
    if is_taken_away(intent, subject):
        gone = now is None or now.uid != before.uid
        return Observation(
            at, found=True, settled=gone, healthy=int(gone), desired=1, restarts=0, alert_firing=alert_firing
        )
    # Another object of the same name is not the one that the remedy was for, however well it is.
    if now is None or (subject == before.ref and now.uid != before.uid and not _is_made(intent, subject)):
        return Observation(at, found=False, settled=False, healthy=0, desired=0, restarts=0, alert_firing=alert_firing)
    health = await health_of(reader, call, now)
    # A pod that is being deleted may still be ready, and would make the remedy look done before it began.
    if health.settled and not await _are_gone(reader, intent):
        health = replace(health, settled=False)
    seen = Observation(
        at,
        found=True,
        settled=health.settled,
        healthy=health.healthy,
        desired=health.desired,
        restarts=health.restarts,
        alert_firing=alert_firing,
        metrics=await _measured(reader, metrics, call, now, at) if metrics else None,
        baseline=_baseline(call, before),
        problem=health.problem,
    )
    return _with_drift(seen, intent, now)


async def _measured(
    reader: ClusterReader, metrics: Metrics, call: ActionCall, now: KubeObject, at: datetime
) -> float | None:
    if not is_measured(call) or now.kind not in WORKLOADS:
        return None
    return await share_recovered(metrics, call, await newest_pods(reader, now), at=at)


def subject_of(call: ActionCall, intent: Intent) -> ObjectRef:
    """What has to be well afterwards: the Job that was made, the owner of a pod that was replaced, else the target."""
    change = intent.preview.change
    if isinstance(change, ObjectCreation) and change.target.kind == "Job":
        return change.target
    controller = KubeObject(intent.snapshot).controller
    return controller if call.target.kind == "Pod" and controller else call.target


def _is_made(intent: Intent, ref: ObjectRef) -> bool:
    return any(isinstance(part.preview.change, ObjectCreation) and part.preview.change.target == ref
               for part in intent.parts)  # fmt: skip


def is_taken_away(intent: Intent, subject: ObjectRef) -> bool:
    """Whether the remedy is that the target is there no more."""
    change = intent.preview.change
    return isinstance(change, ObjectDeletion) and change.target == subject and not _is_made(intent, subject)


def _with_drift(seen: Observation, intent: Intent, now: KubeObject) -> Observation:
    """With the first field of the subject that does not hold what we wrote, and who has written it since."""
    for part in intent.parts:
        before = KubeObject(part.snapshot)
        pointed = drifted(part, now) if before.ref == now.ref else None
        if pointed:
            path = path_of(dict(now.raw), pointed)
            as_before = holds(now.raw, pointed, value_at(before.raw, pointed))
            owner = reverter_of(now, path, as_before=as_before)
            by = rewriter_of(now, path)
            return replace(seen, drift=pointed, drift_by=by, reverted_by=str(owner) if owner else "")
    return seen


async def _are_gone(reader: ClusterReader, intent: Intent) -> bool:
    """Whether the pods that were to go are gone."""
    for part in intent.parts:
        change = part.preview.change
        if isinstance(change, ObjectDeletion | Eviction) and change.target.kind == "Pod":
            successor = await reader.get(change.target)
            if successor is not None and successor.uid == change.uid:
                return False
    return True


def _baseline(call: ActionCall, before: KubeObject) -> float | None:
    if before.kind in WORKLOADS:
        progress = rollout_of(before)
        # Scaled to none nothing was served, so whatever comes is better.
        return min(1.0, progress.ready / progress.wanted) if progress.wanted else 0.0
    if before.kind == "Node":
        return float(_node_is_well(call, before))
    return None


async def health_of(reader: ClusterReader, call: ActionCall, now: KubeObject) -> Health:
    """How the object is, by what its kind is for."""
    match now.kind:
        case "Service":
            return await _service_health(reader, now)
        case "Node":
            ready = is_ready(now)
            problem = "" if ready else "the node is not ready"
            return Health(settled=True, healthy=int(_node_is_well(call, now)), desired=1, problem=problem)
        case kind if kind in WORKLOADS:
            return await _workload_health(reader, now)
        case _:
            sound = await soundness_of(reader, now)
            if sound is None:
                well = is_ready(now) or _QUARANTINE in now.labels
                return Health(settled=True, healthy=int(well), desired=1)
            return Health(sound.settled, int(sound.well), 1, problem=sound.problem)


def _node_is_well(call: ActionCall, node: KubeObject) -> bool:
    # To be kept free of new pods was the point, and is no illness of the node.
    cordoned_by_us = call.action in {"cordon_node", "drain_node"}
    return is_ready(node) and (cordoned_by_us or not node.flag("spec", "unschedulable"))


async def _workload_health(reader: ClusterReader, workload: KubeObject) -> Health:
    progress: Rollout = rollout_of(workload)
    pods = await newest_pods(reader, workload)
    # The status lags behind the pods by a moment in both directions; the smaller number claims less.
    ready = min(progress.ready, sum(is_ready(pod) for pod in pods)) if progress.settled else progress.ready
    restarts = sum(_restarts(pod) for pod in pods)
    problems = sorted({problem for pod in pods for problem in _problems(pod)})
    return Health(progress.settled, ready, progress.wanted, restarts, ", ".join(problems))


async def newest_pods(reader: ClusterReader, workload: KubeObject) -> list[KubeObject]:
    """The pods of the present template that are not on their way out."""
    owner = workload.ref
    if workload.kind == "Deployment":
        revision = workload.annotations.get(_REVISION)
        sets = (await reader.list(REPLICA_SET, workload.namespace)).items
        owned = [each for each in sets if each.controller == workload.ref]
        # By revision and not by age: a rollback uses an old ReplicaSet again.
        newest = next((each for each in owned if each.annotations.get(_REVISION) == revision), None)
        if newest is None:
            return []
        owner = newest.ref
    listing = await reader.list(POD, workload.namespace)
    return [pod for pod in listing.items if pod.controller == owner and not pod.has("metadata", "deletionTimestamp")]


def _statuses(pod: KubeObject) -> list[Tree]:
    return [*pod.trees("status", "initContainerStatuses"), *pod.trees("status", "containerStatuses")]


def _restarts(pod: KubeObject) -> int:
    return sum(status.integer("restartCount") for status in _statuses(pod))


def _problems(pod: KubeObject) -> list[str]:
    reasons = [status.text("state", "waiting", "reason") for status in _statuses(pod)]
    found = [reason for reason in reasons if reason not in _STARTING]
    scheduled = pod.condition("PodScheduled")
    if scheduled is not None and scheduled.text("reason") == "Unschedulable":
        found.append("Unschedulable")
    return found


async def _service_health(reader: ClusterReader, service: KubeObject) -> Health:
    """How many of the selected pods are ready endpoints that every port of the Service reaches."""
    selector = service.mapping("spec", "selector")
    pods = [
        pod
        for pod in (await reader.list(POD, service.namespace)).items
        if selector and selector.items() <= pod.labels.items() and not pod.has("metadata", "deletionTimestamp")
    ]
    served = await _ready_endpoints(reader, service)
    reached = [pod for pod in pods if pod.name in served and _reaches(service, pod)]
    problem = "" if reached else "no ready endpoint with the right port"
    return Health(settled=True, healthy=len(reached), desired=max(1, len(pods)), problem=problem)


async def _ready_endpoints(reader: ClusterReader, service: KubeObject) -> set[str]:
    labels = f"kubernetes.io/service-name={service.name}"
    listing = await reader.list(ENDPOINT_SLICE, service.namespace, labels=labels)
    return {
        endpoint.text("targetRef", "name")
        for entry in listing.items
        # A slice whose named target port no pod declares has endpoints and no ports: nothing reaches them.
        if entry.trees("ports")
        for endpoint in entry.trees("endpoints")
        if endpoint.at("conditions", "ready") is not False
    }


def _reaches(service: KubeObject, pod: KubeObject) -> bool:
    declared = [port for container in pod.trees("spec", "containers") for port in container.trees("ports")]
    names = {port.text("name") for port in declared} | {str(port.integer("containerPort")) for port in declared}
    # Declaring a port is optional: of pods that declare none nothing can be said, so they count as reached.
    wanted = [str(port.at("targetPort") or port.at("port")) for port in service.trees("spec", "ports")]
    return not declared or all(target in names for target in wanted)
