"""The columns of pods and of what makes them, as the API server's own printers fill them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from kubernaut.domain.objects import Json, KubeObject, Tree
from kubernaut.sandbox.rest.cells import NONE, Cells, age, containers, human_duration, or_none, selector, word

_ENDED: Final = frozenset({"Succeeded", "Failed"})


def _pod(item: KubeObject, now: datetime) -> list[Json]:
    statuses = item.trees("status", "containerStatuses")
    ready = sum(1 for status in statuses if status.flag("ready") and status.has("state", "running"))
    nominated = or_none(item.text("status", "nominatedNodeName"))
    gates = item.trees("spec", "readinessGates")
    return [
        f"{ready}/{len(item.trees('spec', 'containers'))}",
        pod_status(item),
        _restarts(item, now),
        age(item.created_at, now),
        or_none(item.text("status", "podIP")),
        or_none(item.text("spec", "nodeName")),
        nominated,
        f"0/{len(gates)}" if gates else NONE,
    ]


def pod_status(item: KubeObject) -> str:
    """The STATUS column."""
    shown = item.text("status", "reason") or item.text("status", "phase")
    started = _initializing(item)
    shown = started or _running(item, shown)
    if item.has("metadata", "deletionTimestamp"):
        if item.text("status", "reason") == "NodeLost":
            return "Unknown"
        return shown if item.text("status", "phase") in _ENDED else "Terminating"
    return shown


def _initializing(item: KubeObject) -> str:
    """What an init container that is not through shows, empty where all are."""
    statuses = item.trees("status", "initContainerStatuses")
    for number, status in enumerate(statuses):
        ended = status.tree("state", "terminated")
        if (ended.raw and ended.integer("exitCode") == 0) or status.flag("started"):
            continue
        if ended.raw:
            return f"Init:{ended.text('reason') or _code(ended)}"
        waiting = status.text("state", "waiting", "reason")
        if waiting not in ("", "PodInitializing"):
            return f"Init:{waiting}"
        return f"Init:{number}/{len(item.trees('spec', 'initContainers'))}"
    return ""


def _running(item: KubeObject, shown: str) -> str:
    has_running = False
    for status in reversed(item.trees("status", "containerStatuses")):
        ended = status.tree("state", "terminated")
        waiting = status.text("state", "waiting", "reason")
        if waiting or ended.raw:
            shown = waiting or ended.text("reason") or _code(ended)
        has_running = has_running or (status.flag("ready") and status.has("state", "running"))
    if shown == "Completed" and has_running:
        ready = item.condition("Ready")
        return "Running" if ready is not None and ready.text("status") == "True" else "NotReady"
    return shown


def _code(ended: Tree) -> str:
    signal = ended.integer("signal")
    return f"Signal:{signal}" if signal else f"ExitCode:{ended.integer('exitCode')}"


def _restarts(item: KubeObject, now: datetime) -> str:
    listed = "initContainerStatuses" if _initializing(item) else "containerStatuses"
    statuses = item.trees("status", listed)
    count = sum(status.integer("restartCount") for status in statuses)
    ends = [end for status in statuses if (end := status.time("lastState", "terminated", "finishedAt"))]
    return f"{count} ({age(max(ends), now)} ago)" if count and ends else str(count)


def _deployment(item: KubeObject, now: datetime) -> list[Json]:
    ready = f"{item.integer('status', 'readyReplicas')}/{item.integer('spec', 'replicas')}"
    updated, available = item.integer("status", "updatedReplicas"), item.integer("status", "availableReplicas")
    return [
        ready,
        updated,
        available,
        age(item.created_at, now),
        *_made_of(item),
        selector(item.tree("spec", "selector")),
    ]


def _made_of(item: KubeObject) -> list[Json]:
    return containers(item.tree("spec", "template"))


def _replica_set(item: KubeObject, now: datetime) -> list[Json]:
    counts = [
        item.integer("spec", "replicas"), item.integer("status", "replicas"), item.integer("status", "readyReplicas"),
    ]  # fmt: skip
    return [*counts, age(item.created_at, now), *_made_of(item), selector(item.tree("spec", "selector"))]


def _stateful_set(item: KubeObject, now: datetime) -> list[Json]:
    ready = f"{item.integer('status', 'readyReplicas')}/{item.integer('spec', 'replicas')}"
    return [ready, age(item.created_at, now), *_made_of(item)]


def _daemon_set(item: KubeObject, now: datetime) -> list[Json]:
    keys = (
        "desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled", "numberAvailable",
    )  # fmt: skip
    nodes = item.mapping("spec", "template", "spec", "nodeSelector")
    chosen = ",".join(f"{key}={value}" for key, value in nodes.items()) or NONE
    counts = [item.integer("status", key) for key in keys]
    return [*counts, chosen, age(item.created_at, now), *_made_of(item), selector(item.tree("spec", "selector"))]


def _job(item: KubeObject, now: datetime) -> list[Json]:
    done, begun = item.time("status", "completionTime"), item.time("status", "startTime")
    took = human_duration(max(0, int(((done or now) - begun).total_seconds()))) if begun else ""
    completions = f"{item.integer('status', 'succeeded')}/{item.integer('spec', 'completions', default=1)}"
    made_of = [*_made_of(item), selector(item.tree("spec", "selector"))]
    return [_job_status(item), completions, took, age(item.created_at, now), *made_of]


def _job_status(item: KubeObject) -> str:
    if item.has("metadata", "deletionTimestamp"):
        return "Terminating"
    for kind, shown in (("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended")):
        state = item.condition(kind)
        if state is not None and state.text("status") == "True":
            return shown
    return "Running"


def _cron_job(item: KubeObject, now: datetime) -> list[Json]:
    last = item.time("status", "lastScheduleTime")
    spec = item.tree("spec")
    return [
        spec.text("schedule"),
        or_none(spec.text("timeZone")),
        word(spec.flag("suspend")).capitalize(),
        len(item.trees("status", "active")),
        age(last, now) if last else NONE,
        age(item.created_at, now),
        *containers(item.tree("spec", "jobTemplate", "spec", "template")),
        NONE,
    ]


_MADE_OF = ("*Containers", "*Images", "*Selector")
# Columns after the name; those marked with * are printed with `-o wide` only.
COLUMNS: dict[str, tuple[tuple[str, ...], Cells]] = {
    "pods": (
        ("Ready", "Status", "Restarts", "Age", "*IP", "*Node", "*Nominated Node", "*Readiness Gates"),
        _pod,
    ),
    "deployments.apps": (("Ready", "Up-to-date", "Available", "Age", *_MADE_OF), _deployment),
    "replicasets.apps": (("Desired", "Current", "Ready", "Age", *_MADE_OF), _replica_set),
    "statefulsets.apps": (("Ready", "Age", *_MADE_OF[:2]), _stateful_set),
    "daemonsets.apps": (
        ("Desired", "Current", "Ready", "Up-to-date", "Available", "Node Selector", "Age", *_MADE_OF),
        _daemon_set,
    ),
    "jobs.batch": (("Status", "Completions", "Duration", "Age", *_MADE_OF), _job),
    "cronjobs.batch": (
        ("Schedule", "Timezone", "Suspend", "Active", "Last Schedule", "Age", *_MADE_OF),
        _cron_job,
    ),
}
