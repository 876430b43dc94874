"""That the present template worked before what fails now began: then it is not the template that broke it.

A pod that is made anew months after its rollout may find a ConfigMap, a key or a server gone. That the template changed
once is then no reason to go back to the one before.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.containers import containers_of, is_ready
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.subjects import Workload

_DONE = "NewReplicaSetAvailable"
# Pods of one rollout are made within seconds of each other; further apart they are two beginnings.
_APART = timedelta(minutes=1)
_STEADY = timedelta(minutes=2)
# What an update takes for each pod at most, where nothing but its size tells when it was done.
_PER_POD = timedelta(seconds=90)


def worked_before(workload: Workload) -> Fact | None:
    """That pods of the very same revision worked before the first of those was made that fail now."""
    made = [pod.created_at for pod in workload.pods if not is_ready(pod)]
    moments = [moment for moment in made if moment]
    # A pod without a known age may be the first, and then everything else is open.
    if not moments or len(moments) < len(made):
        return None
    first = min(moments)
    return _serving(workload, first) or _rolled_out(workload, first)


def _serving(workload: Workload, first: datetime) -> Fact | None:
    """A sibling that is older, was never restarted and has been ready for a while."""
    for pod in workload.pods:
        state, made = pod.condition("Ready"), pod.created_at
        since = state.time("lastTransitionTime") if state and is_ready(pod) else None
        if since is None or made is None or first - made < _APART or workload.scene.now - since < _STEADY:
            continue
        if not any(each.restarts for each in containers_of(pod)):
            text = f"pod {pod.name} of the same revision is older and ready"
            return facts.field(pod, "status.conditions[Ready]", text, since)
    return None


def _rolled_out(workload: Workload, first: datetime) -> Fact | None:
    """Its rollout was done before, and no pod of it crashed until then."""
    item, revisions = workload.object, workload.revisions
    done = _done_at(workload)
    if not revisions or done is None or first - done < _APART:
        return None
    source = revisions[0].source if item.kind == "Deployment" else item
    for event in workload.scene.occurrences.of_pods_named(item.namespace, f"{source.name}-", "BackOff"):
        began = event.time("firstTimestamp") or facts.event_time(event)
        if began is not None and began < first:
            return None
    path = "status.conditions[Progressing]" if item.kind == "Deployment" else "status"
    text = f"revision {revisions[0].number} was rolled out, and the pods that fail were made later"
    return facts.field(item, path, text, done)


def _done_at(workload: Workload) -> datetime | None:
    """When the rollout of the present revision was done at the latest, None where it was not or nobody can tell."""
    item = workload.object
    if item.kind == "Deployment":
        state = item.condition("Progressing")
        # The condition may still tell of the rollout before this one.
        named = state is not None and f'"{workload.revisions[0].source.name}"' in state.text("message")
        return state.time("lastUpdateTime") if state and named and state.text("reason") == _DONE else None
    change = workload.change
    if change is None or change.at is None or not _is_updated(item):
        return None
    return change.at + workload.desired * _PER_POD


def _is_updated(item: KubeObject) -> bool:
    if item.kind == "StatefulSet":
        return item.text("status", "currentRevision") == item.text("status", "updateRevision")
    wanted = item.integer("status", "desiredNumberScheduled")
    return item.kind == "DaemonSet" and item.integer("status", "updatedNumberScheduled") >= wanted
