"""How a subject stands: as wanted, on its way, or in trouble."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.investigation import facts
from kubernaut.investigation.containers import START_PROBLEMS, Container, is_ready
from kubernaut.investigation.facts import Fact, event_time
from kubernaut.investigation.probes import patience
from kubernaut.investigation.scene import Scene
from kubernaut.investigation.subjects import Service, Workload

T = TypeVar("T")

_GONE = frozenset({"Succeeded", "Failed"})
_TURNING = timedelta(minutes=2)
_STARTING = timedelta(minutes=5)
# The kubelet confirms the end of a pod a little after its grace.
_LEAVING = timedelta(seconds=20)
_NOTED = timedelta(hours=1)


def is_whole(workload: Workload) -> bool:
    """Whether every wanted pod is there, ready and of the present revision, and nothing of it fails."""
    item = workload.object
    if item.kind == "Pod":
        done = item.text("status", "phase") == "Succeeded"
        return done or (is_ready(item) and not trouble(workload))
    if item.kind == "Job":
        return _is_fine_job(workload)
    if _is_unseen(item) or trouble(workload):
        return False
    if item.kind == "DaemonSet":
        return item.integer("status", "numberReady") >= workload.desired and _is_updated(workload)
    ready = workload.ready if workload.live else item.integer("status", "readyReplicas")
    return ready >= workload.desired and _is_updated(workload)


def _is_unseen(item: KubeObject) -> bool:
    """Whether the status is still of a spec before the present one."""
    return item.integer("status", "observedGeneration", default=item.generation) < item.generation


def _is_fine_job(workload: Workload) -> bool:
    failed = workload.object.condition("Failed")
    if workload.is_finished:
        return True
    gave_up = failed is not None and failed.text("status") == "True"
    return not gave_up and not trouble(workload) and not workload.pending


def _is_updated(workload: Workload) -> bool:
    item = workload.object
    if item.kind == "Deployment":
        if item.flag("spec", "paused"):
            return True
        updated = item.integer("status", "updatedReplicas", default=workload.desired)
        # The controller keeps a pod of the former revision until one of the present is ready to replace it.
        return updated >= workload.desired and item.integer("status", "replicas", default=updated) <= updated
    if item.kind == "DaemonSet":
        wanted = item.text("spec", "updateStrategy", "type") != "OnDelete"
        return (
            not wanted or item.integer("status", "updatedNumberScheduled", default=workload.desired) >= workload.desired
        )
    return True


def trouble(workload: Workload) -> list[Container]:
    """The containers that do not merely start slowly."""
    return [
        *workload.crashing,
        *workload.failing_pulls,
        *(entry for entry in workload.containers if entry.waiting in START_PROBLEMS and entry not in workload.crashing),
    ]


def is_under_way(workload: Workload) -> bool:
    """Whether what is missing is only a matter of time: a rollout within its deadline, or pods that just started."""
    item = workload.object
    if _is_stuck(workload):
        return False
    if _is_unseen(item):
        return True
    waiting = [pod for pod in workload.pods if not is_ready(pod)]
    if item.kind == "Deployment" and _is_progressing(workload):
        return not any(is_overdue(workload, pod) for pod in waiting)
    if len(workload.live) < workload.desired and not waiting:
        return _changed_lately(workload) or _gives_way(workload)
    return bool(waiting) and all(_just_began(workload, pod) for pod in waiting)


def _is_stuck(workload: Workload) -> bool:
    """Whether something stands in the way that does not pass by waiting."""
    return bool(trouble(workload) or workload.pending) or _cannot_create(workload)


def _gives_way(workload: Workload) -> bool:
    """Whether a pod is on its way out within its grace: until it is gone, no other can take its name or its place."""
    times = [pod.time("metadata", "deletionTimestamp") for pod in workload.scene.pods_of(workload.object)]
    return any(at is not None and workload.scene.now <= at + _LEAVING for at in times)


def _cannot_create(workload: Workload) -> bool:
    makers = [workload.object, *(revision.source for revision in workload.revisions[:1])]
    return any(
        (state := maker.condition("ReplicaFailure")) is not None and state.text("status") == "True" for maker in makers
    )


def _is_progressing(workload: Workload) -> bool:
    """What the controller says of a rollout, as long as its deadline has not run out."""
    state = workload.object.condition("Progressing")
    if state is None or state.text("status") != "True" or state.text("reason") == "NewReplicaSetAvailable":
        return False
    deadline = timedelta(seconds=min(workload.object.integer("spec", "progressDeadlineSeconds", default=600), 10**6))
    moved = state.time("lastUpdateTime") or state.time("lastTransitionTime")
    return moved is not None and workload.scene.now - moved <= deadline


def is_overdue(workload: Workload, pod: KubeObject) -> bool:
    """Whether the pod has had more time than its probes give it, or waits for long without a reason."""
    return workload.age(pod) > max(_allowance(pod), _STARTING)


def _just_began(workload: Workload, pod: KubeObject) -> bool:
    """Whether the pod is new. One that has been ready and is not any more does not begin."""
    return workload.age(pod) <= max(_allowance(pod), _TURNING)


def _allowance(pod: KubeObject) -> timedelta:
    total = timedelta(seconds=60)
    for container in pod.trees("spec", "containers"):
        total += max((_of(container, "startupProbe") + _of(container, "readinessProbe")), timedelta(0))
    return min(total, timedelta(days=1))


def _of(container: Tree, name: str) -> timedelta:
    probe = container.tree(name)
    return patience(probe) if probe.raw else timedelta(0)


def _changed_lately(workload: Workload) -> bool:
    """Whether its pods were made or removed within the last minutes."""
    makers = [workload.object, *(revision.source for revision in workload.revisions[:1])]
    reasons = ("SuccessfulCreate", "SuccessfulDelete", "ScalingReplicaSet")
    times = [event_time(entry) for maker in makers for entry in workload.scene.events_of(maker, *reasons)]
    created = workload.object.created_at
    return any(at and workload.scene.now - at <= _TURNING for at in (*times, created))


def recent_warnings(scene: Scene, items: list[KubeObject]) -> list[Fact]:
    """The Warning events of the last hour about these objects, newest first, each reason once."""
    found: dict[str, KubeObject] = {}
    for item in items:
        for entry in scene.events_of(item):
            at = event_time(entry)
            if entry.text("type") == "Warning" and (at is None or scene.now - at <= _NOTED):
                found.setdefault(entry.text("reason"), entry)
    return [facts.event(entry) for entry in found.values()]


def family(workload: Workload) -> list[KubeObject]:
    """The objects that a workload's events are about."""
    sources = [revision.source for revision in workload.revisions]
    return [workload.object, *sources, *workload.scene.pods_of(workload.object)]


def works(service: Service) -> bool:
    """Whether a Service reaches a ready pod, or needs none."""
    if not service.is_selector_read:
        behind = [Workload(service.scene, item) for item in service.workloads]
        ready = sum(max(each.ready, each.object.integer("status", "readyReplicas")) for each in behind)
        return service.ready_endpoints > 0 or not behind or ready > 0
    if not service.is_routed_by_labels:
        return True
    return service.ready_endpoints > 0 or any(is_ready(pod) for pod in service.selected)


def serves_fully(service: Service) -> bool:
    """Whether all that it selects is ready: with a part of it, the Service works and is not well.

    A pod that leaves is ready until its end, unless its node is gone.
    """
    if not service.is_routed_by_labels or not works(service):
        return works(service)
    found = service.scene.selected(service.object.namespace, service.selector)
    return all(is_ready(pod) for pod in found if pod.text("status", "phase") not in _GONE)


def readiness(workload: Workload) -> Fact:
    """How many pods are ready, of how many."""
    text = f"{workload.ready} of {workload.desired} pods ready"
    return facts.field(workload.object, "status", text)


def healed_restarts(workload: Workload) -> list[Fact]:
    """Containers that ended within the last hour and run well again."""
    found = []
    for container in workload.containers:
        ended = container.ended
        at = ended.time("finishedAt") if ended else None
        if container.is_ready and ended and at and ended.integer("exitCode") and workload.scene.now - at <= _NOTED:
            text = f"{container.label} ended with code {ended.integer('exitCode')} and runs again"
            found.append(facts.field(container.pod, container.ended_path, text, at))
    return found[:1]


def of_its_workloads(service: Service, examine: Callable[[Workload], T | None]) -> T | None:
    """What is found first about the workloads behind a Service that does not work; None where it works."""
    if works(service):
        return None
    found = (examine(Workload(service.scene, item)) for item in service.workloads)
    return next((finding for finding in found if finding is not None), None)
