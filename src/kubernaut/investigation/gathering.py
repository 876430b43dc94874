"""Reads what an investigation needs: one list a kind, side by side, bounded in number, size and time.

What could not be read is written down as `NotRead` and never looks like an empty answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from kubernaut.domain.errors import ClusterError, ClusterUnavailable, Forbidden
from kubernaut.domain.evidence import NotRead
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef
from kubernaut.investigation.containers import CONTAINER, INIT, SIDECAR, Container, containers_of, is_crashing
from kubernaut.investigation.logs import LogLine, decisive_lines
from kubernaut.investigation.quoting import quoted
from kubernaut.investigation.scene import Key, Scene
from kubernaut.investigation.subjects import Node
from kubernaut.ports import Clock, ClusterReader, Resource
from kubernaut.resources import (
    AUTOSCALER,
    CONFIG_MAP,
    CONTROLLER_REVISION,
    DAEMON_SET,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    EVENT,
    JOB,
    LEASE,
    NODE,
    POD,
    REPLICA_SET,
    RESOURCE_QUOTA,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    VOLUME_CLAIM,
)

WORKLOADS = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, JOB, REPLICA_SET, CONTROLLER_REVISION)
SURROUNDINGS = (SERVICE, ENDPOINT_SLICE, CONFIG_MAP, SECRET, EVENT, RESOURCE_QUOTA, VOLUME_CLAIM, AUTOSCALER)
OF_A_NAMESPACE = (POD, *WORKLOADS, *SURROUNDINGS)

_AT_ONCE = 8
_LONGEST_VALUE = 1024


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is read at most."""

    timeout: timedelta = timedelta(seconds=20)
    objects: int = 5000
    logs: int = 6
    log_lines: int = 200


@dataclass(frozen=True, slots=True)
class Scope:
    """Which namespaces, an empty name for all of them, and which kinds."""

    namespaces: tuple[str, ...]
    kinds: tuple[Resource, ...] = OF_A_NAMESPACE

    @classmethod
    def of(cls, target: ObjectRef) -> Scope:
        """What has to be read to diagnose that object: its namespace, or for a node all pods and events."""
        if target.kind == "Namespace":
            return cls((target.name,))
        return cls((target.namespace,)) if target.namespace else cls(("",), (POD, EVENT))


@dataclass(slots=True)
class _Basket:
    """What has come in so far."""

    objects: list[KubeObject] = field(default_factory=list)
    whole: list[tuple[str, str]] = field(default_factory=list)
    not_read: list[NotRead] = field(default_factory=list)
    pending: dict[str, None] = field(default_factory=dict)
    errors: list[ClusterError] = field(default_factory=list)
    answered: int = 0


async def gather(
    reader: ClusterReader, clock: Clock, scope: Scope, budget: Budget = Budget()
) -> Scene:  # a frozen value
    """The scene. Raises `ClusterUnavailable` (or `Forbidden`) only where nothing at all could be read."""
    basket = _Basket()
    wanted = [(kind, place) for place in scope.namespaces for kind in scope.kinds] + [(NODE, "")]
    basket.pending = {_place(kind, place): None for kind, place in wanted}
    gate = asyncio.Semaphore(_AT_ONCE)
    try:
        async with asyncio.timeout(budget.timeout.total_seconds()), asyncio.TaskGroup() as group:
            for kind, place in wanted:
                group.create_task(_list(reader, gate, kind, place, budget, basket))
            for place in filter(None, scope.namespaces):
                group.create_task(_namespace(reader, gate, place, basket))
    except TimeoutError:
        basket.not_read += [NotRead(what, f"no answer within {budget.timeout}") for what in basket.pending]
    if not basket.answered:
        raise _nothing(basket, budget)
    scene = Scene(now=clock.now(), objects=basket.objects, whole=basket.whole, not_read=basket.not_read)
    return await _second_look(reader, clock, scene, basket, budget)


def _nothing(basket: _Basket, budget: Budget) -> ClusterError:
    """Why there is no scene at all."""
    unavailable = [error for error in basket.errors if not isinstance(error, Forbidden)]
    if basket.errors and not unavailable and not basket.pending:
        return basket.errors[0]
    if unavailable:
        return unavailable[0]
    return ClusterUnavailable(f"the API server gave no answer within {budget.timeout.total_seconds():g} s")


async def _list(
    reader: ClusterReader, gate: asyncio.Semaphore, kind: Resource, place: str, budget: Budget, basket: _Basket
) -> None:
    what = _place(kind, place)
    try:
        async with gate:
            listing = await reader.list(kind, place, limit=budget.objects)
    except ClusterError as error:
        basket.errors.append(error)
        basket.not_read.append(NotRead(what, quoted(str(error)) or error.code))
        basket.pending.pop(what, None)
        return
    basket.pending.pop(what, None)
    basket.answered += 1
    basket.objects += [_trimmed(item, kind) for item in listing.items]
    if listing.complete:
        basket.whole.append((kind.kind, place))
    else:
        basket.not_read.append(NotRead(what, f"only the first {len(listing.items)} were read, there are more"))


async def _namespace(reader: ClusterReader, gate: asyncio.Semaphore, place: str, basket: _Basket) -> None:
    try:
        async with gate:
            found = await reader.get(ObjectRef("v1", "Namespace", "", place))
    except ClusterError as error:
        basket.errors.append(error)
        basket.not_read.append(NotRead(f"namespace {place}", quoted(str(error)) or error.code))
        return
    if found is not None:
        basket.objects.append(found)


def _place(kind: Resource, place: str) -> str:
    return f"{kind.plural} in {place}" if place else kind.plural


def _trimmed(item: KubeObject, kind: Resource) -> KubeObject:
    """The object with its kind, which items of a list lack, and without long values of ConfigMaps."""
    raw: JsonObject = dict(item.raw)
    raw["apiVersion"] = raw.get("apiVersion") or kind.api_version
    raw["kind"] = raw.get("kind") or kind.kind
    if kind.kind in {"ConfigMap", "Secret"}:
        for part in ("data", "binaryData"):
            values = raw.get(part)
            if isinstance(values, dict):
                raw[part] = {key: _short(value, kind) for key, value in values.items()}
    return KubeObject(raw)


def _short(value: Json, kind: Resource) -> Json:
    kept = kind.kind == "ConfigMap" and isinstance(value, str) and len(value) <= _LONGEST_VALUE
    return value if kept else ""


async def _second_look(reader: ClusterReader, clock: Clock, scene: Scene, basket: _Basket, budget: Budget) -> Scene:
    """What only makes sense once the first look shows trouble: logs of failing containers, leases of silent nodes."""
    chosen = failing_containers(scene)[: budget.logs]
    silent = any(not Node(scene, node).is_ready for node in scene.all("Node"))
    logs: dict[Key, Sequence[LogLine]] = {}
    missed: dict[str, str | None] = {f"log of {entry.pod.ref} {entry.name}": None for entry in chosen}
    seen, unread = len(basket.objects), len(basket.not_read)
    gate = asyncio.Semaphore(_AT_ONCE)
    try:
        async with asyncio.timeout(budget.timeout.total_seconds() / 2), asyncio.TaskGroup() as group:
            for entry in chosen:
                group.create_task(_log(reader, entry, budget, logs, missed))
            if silent:
                group.create_task(_list(reader, gate, LEASE, "kube-node-lease", budget, basket))
    except TimeoutError:
        missed = {what: why or "no answer in time" for what, why in missed.items()}
    if len(basket.objects) > seen or len(basket.not_read) > unread:
        scene = Scene(now=clock.now(), objects=basket.objects, whole=basket.whole, not_read=basket.not_read)
    scene.add_logs(logs, [NotRead(what, why) for what, why in missed.items() if why])
    return scene


async def _log(
    reader: ClusterReader,
    entry: Container,
    budget: Budget,
    logs: dict[Key, Sequence[LogLine]],
    missed: dict[str, str | None],
) -> None:
    what = f"log of {entry.pod.ref} {entry.name}"
    previous = entry.restarts > 0 and not entry.status.has("state", "terminated")
    # A container that restarts meanwhile has its last words in the other of the two logs.
    for which in (previous, not previous):
        try:
            text = await reader.log(entry.pod.ref, entry.name, previous=which, tail_lines=budget.log_lines)
        except ClusterError as error:
            missed[what] = quoted(str(error)) or error.code
            return
        if text is not None:
            lines = decisive_lines(text, entry.pod.ref, entry.name, previous=which)
            logs[(entry.pod.namespace, entry.pod.name, entry.name)] = lines
            return
    missed[what] = "there is none"


def failing_containers(scene: Scene) -> list[Container]:
    """The containers whose log may say why, one a workload: crashed ones, then those that run and are not ready."""
    crashed: dict[tuple[ObjectRef, str], Container] = {}
    waiting: dict[tuple[ObjectRef, str], Container] = {}
    for pod in sorted(scene.all("Pod"), key=lambda item: str(item.created_at), reverse=True):
        for entry in containers_of(pod):
            if entry.role not in (CONTAINER, INIT, SIDECAR):
                continue
            key = (scene.top_of(pod).ref, entry.name)
            if is_crashing(entry, scene.now) and entry.ended is not None:
                crashed.setdefault(key, entry)
            elif entry.is_running and not entry.is_ready and entry.role != INIT:
                waiting.setdefault(key, entry)
    return [*crashed.values(), *(entry for key, entry in waiting.items() if key not in crashed)]
