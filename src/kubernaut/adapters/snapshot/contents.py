"""A saved cluster as a value, and the place where its parts are put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from kubernaut.adapters.kubernetes.secrets import without_values
from kubernaut.adapters.snapshot.limits import LARGEST_LOG, MOST_OBJECTS, too_many
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef, parse_time
from kubernaut.resources import RESOURCES

LogKey = tuple[str, str, str, bool]
Whole = tuple[str, str]
Name = tuple[str, str, str]

CLUSTER_WIDE = frozenset(resource.kind for resource in RESOURCES if not resource.namespaced)
_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_FUTURE = timedelta(minutes=10)
# So long nothing may happen in a cluster but the heartbeats of its nodes, every five minutes.
_QUIET = timedelta(minutes=15)
_DEEPEST = 12


def shortly_after(newest: datetime | None, saved_at: datetime) -> datetime:
    """When it was saved, if that is shortly after the newest time in it: the file of a copy is younger than that."""
    if newest is None:
        return saved_at
    return saved_at if newest < saved_at <= newest + _QUIET else newest


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A cluster at one moment, as far as it was saved.

    `whole` names the (kind, namespace) lists that were saved to their end, with an empty namespace for all of them.
    `logs` maps (namespace, pod, container, previous) to text. `notes` say what was passed over. `asked_about` are the
    objects that somebody looked at one by one, as far as that is known. `gone` are (kind, namespace, name) of objects
    that the API server said are not there. `is_pasted` where anything in it is what people pasted. `heard` is
    what they quote of logs and of commands within pods, with whose it is; `partial` are the objects
    of which a paste shows less than a description, `retold` those of which it shows less than the object itself.
    """

    title: str
    now: datetime
    objects: Mapping[ObjectRef, KubeObject]
    events: tuple[KubeObject, ...]
    whole: frozenset[Whole]
    logs: Mapping[LogKey, str]
    version: str = ""
    notes: tuple[str, ...] = ()
    asked_about: tuple[ObjectRef, ...] = ()
    gone: frozenset[Name] = frozenset()
    is_pasted: bool = False
    heard: tuple[tuple[ObjectRef, str], ...] = ()
    partial: frozenset[ObjectRef] = frozenset()
    retold: frozenset[ObjectRef] = frozenset()

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces that were looked into; none where every list is of all of them."""
        places = {place for kind, place in self.whole if kind != "Lease"} - {""}
        if self.whole and not places:
            return ()
        found = {ref.namespace for ref in self.objects if ref.kind != "Lease"}
        return tuple(sorted((found | {event.namespace for event in self.events} | places) - {""}))

    @property
    def lists(self) -> frozenset[Whole]:
        """The lists of which anything was saved, as (kind, namespace)."""
        shown = {(ref.kind, ref.namespace) for ref in self.objects} | self.whole | {name[:2] for name in self.gone}
        return frozenset((kind, place) for kind, place in shown if not place or (kind, "") not in self.whole)

    def covers(self, kind: str, namespace: str) -> bool:
        """Whether every object of the kind in the namespace (in all of them, where it is empty) was saved."""
        return (kind, namespace) in self.whole or (kind, "") in self.whole


@dataclass
class Collection:
    """Takes in what the readers of each kind of source find."""

    title: str
    now: datetime | None = None
    saved_at: datetime = _NEVER
    version: str = ""
    newest: datetime = _NEVER
    objects: dict[ObjectRef, KubeObject] = field(default_factory=dict)
    events: list[KubeObject] = field(default_factory=list)
    whole: set[Whole] = field(default_factory=set)
    logs: dict[LogKey, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    asked_about: list[ObjectRef] = field(default_factory=list)
    gone: set[Name] = field(default_factory=set)
    is_pasted: bool = False
    heard: list[tuple[ObjectRef, str]] = field(default_factory=list)
    partial: set[ObjectRef] = field(default_factory=set)
    retold: set[ObjectRef] = field(default_factory=set)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was found."""
        return not (self.objects or self.events or self.logs or self.whole or self.notes or self.gone)

    def add(self, raw: JsonObject, source: str) -> None:
        """Takes in an object as the API server prints it; of two with one address the newer one stays."""
        if len(self.objects) + len(self.events) >= MOST_OBJECTS:
            raise too_many(source, "objects", MOST_OBJECTS)
        item = KubeObject(without_values(raw))
        self._see_times(item.raw, 0)
        if item.kind == "Event":
            self.events.append(_in_core_form(item))
            return
        known = self.objects.get(item.ref)
        if known is None or _version(known) <= _version(item):
            self.objects[item.ref] = item

    def add_log(self, key: LogKey, text: str) -> None:
        """Takes in the end of a container's log."""
        self.logs[key] = text[-LARGEST_LOG:]

    def see_time(self, moment: datetime | None) -> None:
        """It happened then: the snapshot is not older. A time after it was saved is somebody's wrong clock."""
        if moment is not None and (self.saved_at == _NEVER or moment <= self.saved_at + _FUTURE):
            self.newest = max(self.newest, moment)

    def _see_times(self, value: Json | Mapping[str, Json], depth: int) -> None:
        if depth > _DEEPEST:
            return
        if isinstance(value, Mapping):
            for key, item in value.items():
                if isinstance(item, str) and (key.endswith(("Time", "Timestamp", "At")) or key == "time"):
                    self.see_time(parse_time(item))
                elif isinstance(item, dict | list):
                    self._see_times(item, depth + 1)
        elif isinstance(value, list):
            for item in value:
                self._see_times(item, depth + 1)

    def finished(self) -> Snapshot:
        """The snapshot. Its present is what its manifest says, else when it was saved, else the newest time in it.

        Files that were copied or unpacked carry the time of that: only one shortly after all that is in them counts.
        """
        newest = shortly_after(self.newest if self.newest > _NEVER else None, self.saved_at)
        known = {(event.namespace, event.name): event for event in self.events if event.name}
        unnamed = [event for event in self.events if not event.name]
        return Snapshot(
            title=self.title,
            now=self.now or newest,
            objects=dict(sorted(self.objects.items())),
            events=(*known.values(), *unnamed),
            whole=frozenset(self.whole),
            logs=dict(self.logs),
            version=self.version,
            notes=tuple(self.notes),
            asked_about=tuple(dict.fromkeys(self.asked_about)),
            gone=frozenset(self.gone - {(ref.kind, ref.namespace, ref.name) for ref in self.objects}),
            is_pasted=self.is_pasted,
            heard=tuple(self.heard),
            partial=frozenset(self.partial),
            retold=frozenset(self.retold),
        )


def _version(item: KubeObject) -> int:
    text = item.resource_version
    return int(text) if text.isdecimal() and len(text) < 20 else 0  # noqa: PLR2004  # longer than any counter


def _in_core_form(event: KubeObject) -> KubeObject:
    """The event as the core API prints it: `events.k8s.io` has other names for the same fields."""
    if event.text("apiVersion") == "v1":
        return event
    renamed = {
        "involvedObject": "regarding",
        "message": "note",
        "firstTimestamp": "deprecatedFirstTimestamp",
        "lastTimestamp": "deprecatedLastTimestamp",
        "count": "deprecatedCount",
        "source": "deprecatedSource",
    }
    raw: JsonObject = {**event.raw, "apiVersion": "v1", "kind": "Event"}
    raw.update({new: event.raw[old] for new, old in renamed.items() if old in event.raw})
    return KubeObject(raw)
