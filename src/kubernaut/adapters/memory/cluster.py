"""A cluster of plain objects: both cluster ports with the API server's rules and none of its controllers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing
from dataclasses import replace
from typing import Final, Literal

from kubernaut.adapters.kubernetes.secrets import without_values
from kubernaut.adapters.memory.change_log import ChangeLog
from kubernaut.adapters.memory.selectors import matches_fields, matches_labels
from kubernaut.domain.changes import Change, Eviction, ObjectCreation, ObjectDeletion, ObjectPatch
from kubernaut.domain.errors import ChangeRejected, ClusterThrottled, Conflict, Forbidden, ObjectMissing
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef, copied
from kubernaut.domain.patches import PatchFailed, patched
from kubernaut.ports import Listing, Resource, WatchEvent
from kubernaut.resources import api_group, resource_of

_FIXED: Final = ("name", "namespace", "uid", "creationTimestamp")
_LARGEST_LOG: Final = 256 * 2**10
_LONGEST_LOG: Final = 8 * 2**20
_SHORT_TAIL: Final = 1000


class MemoryCluster:
    """`ClusterReader` and `ClusterWriter`. Tests arrange it with `put`, `remove`, `logs`, `denied`, `warnings`."""

    def __init__(self, objects: Iterable[JsonObject] = ()) -> None:
        self._objects: dict[ObjectRef, JsonObject] = {}
        self.changes = ChangeLog()
        self.denied: set[tuple[str, str]] = set()
        self.warnings: list[str] = []
        self.logs: dict[tuple[ObjectRef, str, bool], str] = {}
        for item in objects:
            self.put(item)

    def put(self, raw: JsonObject) -> KubeObject:
        """Stores the object as a controller or another person would; its status may change too."""
        item = copied(raw)
        ref = KubeObject(item).ref
        before = self._objects.get(ref)
        metadata = item.setdefault("metadata", {})
        if not isinstance(metadata, dict):
            raise TypeError("metadata is no object")
        if before is None:
            metadata.setdefault("uid", f"uid-{self.changes.version + 1:04d}")
            metadata.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
            metadata.setdefault("generation", 1)
        else:
            known = KubeObject(before)
            metadata["uid"] = known.uid
            metadata["generation"] = known.generation + (item.get("spec") != before.get("spec"))
        self._store(ref, item, "ADDED" if before is None else "MODIFIED")
        return KubeObject(copied(item))

    def remove(self, ref: ObjectRef) -> None:
        """Deletes the object at once."""
        self._store(ref, self._objects[ref], "DELETED")

    def raw(self, ref: ObjectRef) -> JsonObject:
        """The stored object, Secret values and all."""
        return copied(self._objects[ref])

    def compact(self) -> None:
        """Forgets the past: a watch from before now has expired."""
        self.changes.compact()

    def _store(self, ref: ObjectRef, item: JsonObject, kind: Literal["ADDED", "MODIFIED", "DELETED"]) -> None:
        self.changes.version += 1
        metadata = item["metadata"]
        if isinstance(metadata, dict):
            metadata["resourceVersion"] = str(self.changes.version)
        if kind == "DELETED":
            del self._objects[ref]
        else:
            self._objects[ref] = item
        self.changes.record(WatchEvent(kind, self._shown(item)))

    @staticmethod
    def _shown(item: JsonObject) -> KubeObject:
        return KubeObject(without_values(copied(item)))

    def _check(self, verb: str, resource: Resource) -> None:
        if (verb, resource.plural) in self.denied:
            message = f"forbidden: may not {verb} {resource.plural}"
            raise Forbidden(message, api_group=api_group(resource), resource=resource.plural, verb=verb)

    def _check_ref(self, verb: str, ref: ObjectRef) -> None:
        resource = resource_of(ref)
        if resource is not None:
            self._check(verb, resource)

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        """The object as it is now, None where it does not exist."""
        self._check_ref("get", ref)
        item = self._objects.get(ref)
        return None if item is None else self._shown(item)

    async def list(
        self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "", limit: int = 5000
    ) -> Listing:
        """The objects of a kind, ordered by namespace and name."""
        self._check("list", resource)
        found = [
            self._shown(item)
            for ref, item in sorted(self._objects.items())
            if (ref.api_version, ref.kind) == (resource.api_version, resource.kind)
            and (not namespace or ref.namespace == namespace)
            and matches_labels(KubeObject(item), labels)
            and matches_fields(KubeObject(item), fields)
        ]
        return Listing(tuple(found[:limit]), str(self.changes.version), complete=len(found) <= limit)

    async def log(self, pod: ObjectRef, container: str, *, previous: bool = False, tail_lines: int = 200) -> str | None:
        """The end of the log in `logs`."""
        text = self.logs.get((pod, container, previous))
        if text is None or pod not in self._objects:
            return None
        most = _LARGEST_LOG if tail_lines <= _SHORT_TAIL else _LONGEST_LOG
        return "".join(text.splitlines(keepends=True)[-tail_lines:]).encode()[-most:].decode(errors="replace")

    async def watch(
        self, resource: Resource, namespace: str = "", *, resource_version: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """Changes from that version on, the present objects first where none is given."""
        seen = int(resource_version or 0)
        if not resource_version:
            listing = await self.list(resource, namespace)
            seen = self.changes.version
            for item in listing.items:
                yield WatchEvent("ADDED", item)
        async with aclosing(self.changes.since(seen)) as events:
            async for event in events:
                same_kind = (event.object.ref.api_version, event.object.kind) == (resource.api_version, resource.kind)
                if same_kind and (not namespace or event.object.namespace == namespace):
                    yield event

    async def may(self, verb: str, resource: Resource, namespace: str = "", *, subresource: str = "") -> bool:  # noqa: ARG002
        """Whether `denied` does not name it."""
        plural = f"{resource.plural}/{subresource}" if subresource else resource.plural
        return (verb, plural) not in self.denied

    async def version(self) -> str:
        """A version that no server has."""
        return "v0.0.0-memory"

    async def write(
        self, change: Change, *, dry_run: bool = False, warned: Callable[[str], None] | None = None
    ) -> KubeObject | None:
        """The object after the change, by the API server's rules."""
        self._check_write(change)
        if warned is not None:
            for warning in self.warnings:
                warned(warning)
        item = self._objects.get(change.target)
        if isinstance(change, ObjectCreation):
            return self._create(change, item, dry_run=dry_run)
        if item is None:
            raise ObjectMissing(f"{change.target} does not exist")
        if isinstance(change, ObjectDeletion | Eviction):
            self._check_deletion(change, KubeObject(item))
            if not dry_run:
                self.remove(change.target)
            return None
        if KubeObject(item).resource_version != change.resource_version:
            raise Conflict(f"patching {change.target}: the object has been modified")
        return self._patch(change, item, dry_run=dry_run)

    def _check_deletion(self, change: ObjectDeletion | Eviction, item: KubeObject) -> None:
        if item.uid != change.uid:
            raise Conflict(f"deleting {change.target}: the UID in the precondition does not match")
        if isinstance(change, Eviction):
            self._check_budgets(item)
        elif change.resource_version not in ("", item.resource_version):
            raise Conflict(f"deleting {change.target}: the ResourceVersion in the precondition does not match")

    def _check_write(self, change: Change) -> None:
        resource = resource_of(change.target)
        if resource is None:
            return
        match change:
            case ObjectPatch(subresource=part):
                verb = "patch"
            case ObjectDeletion():
                verb, part = "delete", ""
            case ObjectCreation():
                verb, part = "create", ""
            case Eviction():
                verb, part = "create", "eviction"
        plural = f"{resource.plural}/{part}" if part else resource.plural
        self._check(verb, replace(resource, plural=plural))

    def _create(self, change: ObjectCreation, item: JsonObject | None, *, dry_run: bool) -> KubeObject:
        if item is not None:
            raise Conflict(f"creating {change.target}: it already exists")
        made = copied(change.body) | {"apiVersion": change.target.api_version, "kind": change.target.kind}
        metadata = _part(made, "metadata")
        made["metadata"] = metadata | {"name": change.target.name, "namespace": change.target.namespace}
        made.pop("status", None)
        return self._shown(made) if dry_run else self.put(made)

    def _check_budgets(self, pod: KubeObject) -> None:
        for ref, raw in self._objects.items():
            budget = KubeObject(raw)
            covers = budget.mapping("spec", "selector", "matchLabels").items() <= pod.labels.items()
            same = ref.kind == "PodDisruptionBudget" and ref.namespace == pod.namespace
            if same and covers and budget.integer("status", "disruptionsAllowed") < 1:
                raise ClusterThrottled(f"evicting {pod.ref}: {ref.name} allows no disruption now", retry_after_s=10.0)

    def _patch(self, change: ObjectPatch, item: JsonObject, *, dry_run: bool) -> KubeObject:
        scaling = change.subresource == "scale"
        try:
            after = patched(_scale_of(item) if scaling else item, change.operations)
        except PatchFailed as error:
            raise ChangeRejected(f"patching {change.target}: {error}") from error
        if scaling:
            after = {**item, "spec": {**_part(item, "spec"), "replicas": KubeObject(after).integer("spec", "replicas")}}
        if any(_part(after, "metadata").get(key) != _part(item, "metadata").get(key) for key in _FIXED):
            raise ChangeRejected(f"patching {change.target}: metadata field is immutable")
        if change.subresource == "status":
            after = {**item, "status": after.get("status", {})}
        else:
            after["status"] = item.get("status", {})
        if after.get("spec") != item.get("spec"):
            generation = KubeObject(item).generation + 1
            after["metadata"] = {**_part(after, "metadata"), "generation": generation}
        if not dry_run:
            self._store(change.target, after, "MODIFIED")
        return KubeObject(_scale_of(after)) if scaling else self._shown(after)


def _part(item: JsonObject, key: str) -> JsonObject:
    value = item.get(key)
    return value if isinstance(value, dict) else {}


def _scale_of(item: JsonObject) -> JsonObject:
    """The Scale of a workload; like the real one it leaves out a zero."""
    replicas: Json = KubeObject(item).integer("spec", "replicas", default=1)
    spec: JsonObject = {"replicas": replicas} if replicas else {}
    metadata = {key: value for key, value in _part(item, "metadata").items() if key != "managedFields"}
    return {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": copied(metadata), "spec": spec}
