"""The objects of the cluster with one counter of versions, and the changes that watches read.

Everything here is synchronous and belongs to one event loop. A stored object is never changed in place: whoever
wants a change puts a new object. That makes reading free of copies and lets the JSON text be kept with the object.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from kubernaut.domain.errors import KubernautError
from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.sandbox.kinds import STORED, Kind
from kubernaut.sandbox.shapes import encoded, section

FIRST_VERSION = 1000
KEPT_CHANGES = 4096


class Stored:
    """One object as it stands."""

    __slots__ = ("_item", "_raw", "place", "raw", "version", "view")

    def __init__(self, raw: JsonObject, version: int) -> None:
        self.raw = raw
        self.view = KubeObject(raw)
        self.place = (self.view.namespace, self.view.name)
        self.version = version
        self._raw: bytes | None = None
        self._item: bytes | None = None

    @property
    def text(self) -> bytes:
        """The object as JSON text, made once."""
        if self._raw is None:
            self._raw = encoded(self.raw)
        return self._raw

    @property
    def item_text(self) -> bytes:
        """The object as an item of a list, which like the API server's carries no kind of its own."""
        if self._item is None:
            self._item = encoded({key: part for key, part in self.raw.items() if key not in ("apiVersion", "kind")})
        return self._item


@dataclass(frozen=True, slots=True)
class Change:
    """One write, as watches see it; `before` is None for what is new."""

    version: int
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    kind: Kind
    stored: Stored
    before: Stored | None


class VersionExpired(KubernautError):
    """The changes since that version are not kept any more; holds the oldest version that is."""

    code = "sandbox_version_expired"

    def __init__(self, oldest: int) -> None:
        super().__init__(f"the oldest version that is kept is {oldest}")
        self.oldest = oldest


class Storage:
    """All objects, by kind, namespace and name."""

    def __init__(self) -> None:
        self.version = FIRST_VERSION
        self._objects: dict[str, dict[str, dict[str, Stored]]] = {kind.key: {} for kind in STORED}
        self._changes: dict[str, deque[Change]] = {kind.key: deque(maxlen=KEPT_CHANGES) for kind in STORED}
        self._oldest: dict[str, int] = {kind.key: FIRST_VERSION for kind in STORED}
        self._listeners: list[Callable[[Change], None]] = []

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Calls the listener after every write from now on."""
        self._listeners.append(listener)

    def mute(self, listener: Callable[[Change], None]) -> None:
        """Ends `listen`."""
        self._listeners.remove(listener)

    def get(self, kind: Kind, namespace: str, name: str) -> Stored | None:
        """The object of that address."""
        return self._objects[kind.key].get(namespace, {}).get(name)

    def all(self, kind: Kind, namespace: str = "") -> Iterator[Stored]:
        """The objects of a kind, of all namespaces where none is given; in no order."""
        spaces = self._objects[kind.key]
        if namespace:
            return iter(list(spaces.get(namespace, {}).values()))
        # A copy, since whoever walks along it may write.
        return iter([stored for space in spaces.values() for stored in space.values()])

    def views(self, kind: Kind, namespace: str = "") -> list[KubeObject]:
        """The same as `all`, for reading only."""
        return [stored.view for stored in self.all(kind, namespace)]

    def put(self, kind: Kind, item: JsonObject) -> Stored:
        """Stores the object, which must not be changed afterwards, under a new version."""
        metadata = section(item, "metadata")
        namespace, name = str(metadata.get("namespace") or ""), str(metadata["name"])
        self.version += 1
        metadata["resourceVersion"] = str(self.version)
        space = self._objects[kind.key].setdefault(namespace, {})
        before = space.get(name)
        stored = Stored(item, self.version)
        space[name] = stored
        self._tell(Change(self.version, "MODIFIED" if before else "ADDED", kind, stored, before))
        return stored

    def remove(self, kind: Kind, namespace: str, name: str) -> Stored | None:
        """Removes the object; gives its last state under the version of the removal."""
        before = self._objects[kind.key].get(namespace, {}).pop(name, None)
        if before is None:
            return None
        self.version += 1
        # Shared with the stored object but for the new version: what is stored is never changed in place.
        last = dict(before.raw)
        last["metadata"] = {**section(last, "metadata"), "resourceVersion": str(self.version)}
        stored = Stored(last, self.version)
        self._tell(Change(self.version, "DELETED", kind, stored, before))
        return stored

    def changes_since(self, kind: Kind, version: int) -> list[Change]:
        """The writes to a kind after that version, oldest first; raises `VersionExpired`."""
        if version < self._oldest[kind.key]:
            raise VersionExpired(self._oldest[kind.key])
        found: list[Change] = []
        for change in reversed(self._changes[kind.key]):
            if change.version <= version:
                break
            found.append(change)
        found.reverse()
        return found

    def oldest(self, kind: Kind) -> int:
        """The oldest version that can be watched from."""
        return self._oldest[kind.key]

    def forget_changes(self, kind: Kind) -> None:
        """Drops the kept changes, as compaction does: watches from before now get 410."""
        self._changes[kind.key].clear()
        self._oldest[kind.key] = self.version

    def _tell(self, change: Change) -> None:
        kept = self._changes[change.kind.key]
        if len(kept) == KEPT_CHANGES:
            # What falls out of the full queue can be watched from no more, which clients are told as 410.
            self._oldest[change.kind.key] = kept[0].version
        kept.append(change)
        for listener in self._listeners:
            listener(change)
