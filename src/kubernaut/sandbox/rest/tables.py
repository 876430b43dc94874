"""Tables as kubectl prints them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from kubernaut.domain.objects import Json, JsonObject, KubeObject
from kubernaut.sandbox.kinds import Kind
from kubernaut.sandbox.rest.requests import Request
from kubernaut.sandbox.shapes import encoded
from kubernaut.sandbox.storage import Stored

Cells = Callable[[KubeObject, datetime], list[Json]]


def is_wanted(request: Request) -> bool:
    """Whether the client asks for a table."""
    return "as=Table" in request.headers.get("accept", "")


def age(since: datetime | None, now: datetime) -> str:
    """Such as `45s`, `12m`, `3h` or `2d`."""
    if since is None:
        return "<unknown>"
    seconds = max(0, int((now - since).total_seconds()))
    for bound, size, letter in ((120, 1, "s"), (7200, 60, "m"), (172_800, 3600, "h")):
        if seconds < bound:
            return f"{seconds // size}{letter}"
    return f"{seconds // 86_400}d"


def _pod(item: KubeObject, now: datetime) -> list[Json]:
    statuses = item.trees("status", "containerStatuses")
    ready = sum(1 for status in statuses if status.flag("ready"))
    shown = item.text("status", "reason") or item.text("status", "phase")
    for status in [*item.trees("status", "initContainerStatuses"), *statuses]:
        ended = status.text("state", "terminated", "reason")
        shown = status.text("state", "waiting", "reason") or (ended if ended != "Completed" else "") or shown
    if item.has("metadata", "deletionTimestamp"):
        shown = "Terminating"
    restarts = sum(status.integer("restartCount") for status in statuses)
    total = len(item.trees("spec", "containers"))
    address = item.text("status", "podIP") or "<none>"
    return [
        f"{ready}/{total}",
        shown,
        restarts,
        age(item.created_at, now),
        address,
        item.text("spec", "nodeName") or "<none>",
    ]


def _deployment(item: KubeObject, now: datetime) -> list[Json]:
    ready = f"{item.integer('status', 'readyReplicas')}/{item.integer('spec', 'replicas')}"
    updated, available = item.integer("status", "updatedReplicas"), item.integer("status", "availableReplicas")
    return [ready, updated, available, age(item.created_at, now)]


def _replica_set(item: KubeObject, now: datetime) -> list[Json]:
    counts = [
        item.integer("spec", "replicas"),
        item.integer("status", "replicas"),
        item.integer("status", "readyReplicas"),
    ]
    return [*counts, age(item.created_at, now)]


def _stateful_set(item: KubeObject, now: datetime) -> list[Json]:
    ready = f"{item.integer('status', 'readyReplicas')}/{item.integer('spec', 'replicas')}"
    return [ready, age(item.created_at, now)]


def _daemon_set(item: KubeObject, now: datetime) -> list[Json]:
    keys = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    return [*(item.integer("status", key) for key in keys), age(item.created_at, now)]


def _service(item: KubeObject, now: datetime) -> list[Json]:
    ports = ",".join(f"{port.integer('port')}/{port.text('protocol')}" for port in item.trees("spec", "ports"))
    kind, address = item.text("spec", "type"), item.text("spec", "clusterIP")
    return [kind, address, "<none>", ports, age(item.created_at, now)]


def _node(item: KubeObject, now: datetime) -> list[Json]:
    ready = item.condition("Ready")
    shown = "Ready" if ready and ready.text("status") == "True" else "NotReady"
    shown += ",SchedulingDisabled" if item.flag("spec", "unschedulable") else ""
    version = item.text("status", "nodeInfo", "kubeletVersion")
    return [shown, "<none>", age(item.created_at, now), version]


def _event(item: KubeObject, now: datetime) -> list[Json]:
    last = item.time("series", "lastObservedTime") or item.time("lastTimestamp") or item.time("eventTime")
    about = f"{item.text('involvedObject', 'kind').lower()}/{item.text('involvedObject', 'name')}"
    return [age(last, now), item.text("type"), item.text("reason"), about, item.text("message")]


def _namespace(item: KubeObject, now: datetime) -> list[Json]:
    return [item.text("status", "phase"), age(item.created_at, now)]


def _config_map(item: KubeObject, now: datetime) -> list[Json]:
    return [len(item.mapping("data")), age(item.created_at, now)]


def _any(item: KubeObject, now: datetime) -> list[Json]:
    return [age(item.created_at, now)]


# Columns after the name; those marked with * are printed with `-o wide` only.
_COLUMNS: dict[str, tuple[tuple[str, ...], Cells]] = {
    "pods": (("Ready", "Status", "Restarts", "Age", "*IP", "*Node"), _pod),
    "deployments.apps": (("Ready", "Up-to-date", "Available", "Age"), _deployment),
    "replicasets.apps": (("Desired", "Current", "Ready", "Age"), _replica_set),
    "statefulsets.apps": (("Ready", "Age"), _stateful_set),
    "daemonsets.apps": (("Desired", "Current", "Ready", "Up-to-date", "Available", "Age"), _daemon_set),
    "services": (("Type", "Cluster-IP", "External-IP", "Port(s)", "Age"), _service),
    "nodes": (("Status", "Roles", "Age", "Version"), _node),
    "namespaces": (("Status", "Age"), _namespace),
    "configmaps": (("Data", "Age"), _config_map),
}
_DEFAULT = (("Age",), _any)
_EVENTS = ("Last Seen", "Type", "Reason", "Object", "Message")


def render_table(kind: Kind, items: Sequence[Stored], now: datetime, *, headed: bool = True) -> JsonObject:
    """The objects as a Table with the columns of their kind."""
    names, cells = _COLUMNS.get(kind.key, _DEFAULT)
    columns: list[Json] = [_column("Name"), *(_column(name) for name in names)]
    if kind.key == "events":
        columns, cells = [_column(name) for name in _EVENTS], _event
    rows: list[Json] = []
    for stored in items:
        shown = cells(stored.view, now)
        partial: JsonObject = {
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": stored.raw["metadata"],
        }
        rows.append({"cells": shown if kind.key == "events" else [stored.view.name, *shown], "object": partial})
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": columns if headed else [],
        "rows": rows,
    }


def _column(name: str) -> JsonObject:
    wide = name.startswith("*")
    return {
        "name": name.lstrip("*"),
        "type": "string",
        "format": "name" if name == "Name" else "",
        "description": "",
        "priority": 1 if wide else 0,
    }


def row_renderer(kind: Kind, now: Callable[[], datetime]) -> Callable[[Stored], bytes]:
    """Renders each object of a watch as a table of one row."""

    def render(stored: Stored) -> bytes:
        return encoded(render_table(kind, [stored], now()))

    return render
