"""The bundle of an incident: redacted, bounded, and honest about what is not in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from kubernaut.domain.errors import ClusterError
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef
from kubernaut.domain.redaction import redact_object, redact_text
from kubernaut.domain.workloads import is_ready
from kubernaut.ports import ClusterReader, Resource
from kubernaut.resources import EVENT, POD, REPLICA_SET

LARGEST_BUNDLE: Final = 2**20
_MOST_PODS: Final = 20
_MOST_PODS_WITH_LOGS: Final = 5
_MOST_EVENTS: Final = 200
_LONGEST_LOG: Final = 32 * 2**10


@dataclass(frozen=True, slots=True)
class Bundle:
    """Objects, events and logs around a target. `content` is redacted JSON of at most 1 MiB."""

    target: ObjectRef
    at: datetime
    content: JsonObject
    left_out: tuple[str, ...]


@dataclass(slots=True)
class _Collection:
    reader: ClusterReader
    room: int = LARGEST_BUNDLE - 8192
    objects: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    logs: JsonObject = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def fits(self, value: Json, name: str) -> bool:
        size = len(msgspec.json.encode(value)) + len(name) + 8
        if size > self.room:
            self.left_out.append(f"{name}: the bundle is full")
            return False
        self.room -= size
        return True

    async def listed(self, resource: Resource, namespace: str) -> list[KubeObject]:
        try:
            listing = await self.reader.list(resource, namespace)
        except ClusterError as error:
            self.left_out.append(f"{resource.plural}: {error}")
            return []
        if not listing.complete:
            self.left_out.append(f"{resource.plural} after the first {len(listing.items)}")
        return list(listing.items)

    def add_object(self, item: KubeObject) -> None:
        shown = redact_object(dict(item.raw))
        if self.fits(shown, str(item.ref)):
            self.objects.append(shown)


async def gather_bundle(
    reader: ClusterReader, target: ObjectRef, at: datetime, keep: Callable[[Bundle], Awaitable[None]]
) -> Bundle:
    """The bundle, after `keep` took it. What cannot be read is named in it instead of failing the whole."""
    into = _Collection(reader)
    try:
        item = await reader.get(target)
    except ClusterError as error:
        item = None
        into.left_out.append(f"{target}: {error}")
    if item is not None:
        into.add_object(item)
    pods = await _relatives(into, target, item)
    await _events(into, {target, *(pod.ref for pod in pods)}, target.namespace)
    for pod in [pod for pod in pods if not is_ready(pod)][:_MOST_PODS_WITH_LOGS]:
        await _logs(into, pod)
    content: JsonObject = {
        "target": str(target),
        "at": at.isoformat(),
        "objects": into.objects,
        "events": into.events,
        "logs": into.logs,
        "left_out": list(into.left_out),
    }
    bundle = Bundle(target, at, content, tuple(into.left_out))
    await keep(bundle)
    return bundle


async def _relatives(into: _Collection, target: ObjectRef, item: KubeObject | None) -> list[KubeObject]:
    if not target.namespace:
        return []
    owners = {target}
    if target.kind == "Deployment":
        sets = [each for each in await into.listed(REPLICA_SET, target.namespace) if each.controller == target]
        owners.update(each.ref for each in sets)
        for each in sets:
            into.add_object(each)
    served = item if target.kind == "Service" else None
    listed = await into.listed(POD, target.namespace)
    pods = [pod for pod in listed if pod.controller in owners or _served(served, pod)]
    # Those that are not ready first: of them there is something to tell.
    pods.sort(key=is_ready)
    for pod in pods[:_MOST_PODS]:
        into.add_object(pod)
    if len(pods) > _MOST_PODS:
        into.left_out.append(f"{len(pods) - _MOST_PODS} more pods")
    return pods[:_MOST_PODS] if target.kind != "Pod" or item is None else [item]


def _served(service: KubeObject | None, pod: KubeObject) -> bool:
    selector = service.mapping("spec", "selector") if service else {}
    return bool(selector) and selector.items() <= pod.labels.items()


async def _events(into: _Collection, about: set[ObjectRef], namespace: str) -> None:
    names = {(ref.kind, ref.name) for ref in about}
    events = [
        event
        for event in await into.listed(EVENT, namespace)
        if (event.text("involvedObject", "kind"), event.text("involvedObject", "name")) in names
    ]
    for event in events[-_MOST_EVENTS:]:
        shown = redact_object(dict(event.raw))
        if into.fits(shown, str(event.ref)):
            into.events.append(shown)


async def _logs(into: _Collection, pod: KubeObject) -> None:
    for container in pod.trees("spec", "containers"):
        for previous in (False, True):
            name = f"{pod.name}/{container.text('name')}{' (previous run)' if previous else ''}"
            try:
                text = await into.reader.log(pod.ref, container.text("name"), previous=previous, tail_lines=100)
            except ClusterError as error:
                into.left_out.append(f"log {name}: {error}")
                continue
            shown = redact_text(text)[-_LONGEST_LOG:] if text else None
            if shown and into.fits(shown, name):
                into.logs[name] = shown
