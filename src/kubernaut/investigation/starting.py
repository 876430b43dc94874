"""Whether pods that run and say that they are not ready may still become so: a slow start is no fault.

A program that fills its caches or replays its log before it serves answers 503 for minutes, and is as slow again after
a step back: to go back too early is the longer outage.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from kubernaut.domain.objects import KubeObject
from kubernaut.investigation import facts
from kubernaut.investigation.condition import is_progressing, trouble
from kubernaut.investigation.containers import CONTAINER, containers_of, is_ready
from kubernaut.investigation.facts import Fact
from kubernaut.investigation.revisions import spell
from kubernaut.investigation.subjects import Workload

# What the API server sets where nobody does: a longer deadline was chosen for a slow start.
_DEFAULT_DEADLINE_S = 600
_LONGEST_START = timedelta(hours=1)


def slow_start(workload: Workload) -> Fact | None:
    """Why its unready pods may still become ready, None where nothing says so. None of them may have ended."""
    if trouble(workload) or not _runs_since_its_start(workload):
        return None
    return next(_signs(workload), None)


def has_time(workload: Workload) -> bool:
    """Whether a rollout within its deadline waits for pods that run, none of which has ended, while others serve."""
    return workload.ready > 0 and is_progressing(workload) and not trouble(workload) and _runs_since_its_start(workload)


def _signs(workload: Workload) -> Iterator[Fact]:
    item = workload.object
    yield from _as_before(workload)
    if not is_progressing(workload):
        return
    deadline = item.integer("spec", "progressDeadlineSeconds", default=_DEFAULT_DEADLINE_S)
    if deadline > _DEFAULT_DEADLINE_S:
        text = f"the deadline of {spell(timedelta(seconds=min(deadline, 10**6)))} is not over"
        yield facts.field(item, "spec.progressDeadlineSeconds", text)
    if item.text("spec", "strategy", "type") == "Recreate":
        yield facts.field(
            item, "spec.strategy.type", "Recreate: nobody is served while it starts, and it still has time"
        )


def _as_before(workload: Workload) -> Iterator[Fact]:
    """That the ready pods beside them, whatever their revision, all took longer to become ready."""
    waiting = [workload.age(pod) for pod in workload.pods if not is_ready(pod)]
    known = [(took, pod.name, pod) for pod in workload.live if (took := _took(pod)) is not None]
    if not waiting or not known:
        return
    least, _, pod = min(known, key=lambda entry: entry[:2])
    if max(waiting) < least <= _LONGEST_START:
        yield facts.field(pod, "status.conditions[Ready]", f"was ready {spell(least)} after its start")


def _took(pod: KubeObject) -> timedelta | None:
    """How long after its start a pod was ready; what has ended since tells nothing of that."""
    state, began = pod.condition("Ready"), pod.time("status", "startTime") or pod.created_at
    turned = state.time("lastTransitionTime") if state else None
    if not is_ready(pod) or turned is None or began is None or any(entry.restarts for entry in containers_of(pod)):
        return None
    return turned - began


def _runs_since_its_start(workload: Workload) -> bool:
    waiting = [pod for pod in workload.pods if not is_ready(pod)]
    entries = [entry for pod in waiting for entry in containers_of(pod) if entry.role == CONTAINER]
    return bool(entries) and all(entry.is_running and not entry.restarts for entry in entries)
