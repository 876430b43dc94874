"""Events: recorded as controllers record them, and the two shapes in which the API shows them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.objects import Json, JsonObject, KubeObject, Tree
from kubernaut.sandbox.cluster import Cluster
from kubernaut.sandbox.kinds import EVENT
from kubernaut.sandbox.shapes import copied, micro_stamp, section, stamp

_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Happening:
    """What is said about an object."""

    type: str
    reason: str
    message: str
    field_path: str = ""


def normal(reason: str, message: str, field_path: str = "") -> Happening:
    """A Normal event."""
    return Happening("Normal", reason, message, field_path)


def warning(reason: str, message: str, field_path: str = "") -> Happening:
    """A Warning event."""
    return Happening("Warning", reason, message, field_path)


class Recorder:
    """Writes the events of one component; a repetition raises the count of the event that is there."""

    def __init__(self, cluster: Cluster, component: str, *, host: str = "") -> None:
        self._cluster = cluster
        self._component = component
        self._host = host
        self._known: OrderedDict[tuple[str, Happening], str] = OrderedDict()

    def record(self, item: KubeObject, happening: Happening, now: datetime) -> None:
        """Records it about the object, as the older recorder does: with first and last timestamps and a count."""
        if stored := self._repeated(item, happening):
            event = copied(stored)
            event["count"] = Tree(event).integer("count", default=1) + 1
            event["lastTimestamp"] = stamp(now)
        else:
            event = self._fresh(item, happening, now)
            event["firstTimestamp"] = event["lastTimestamp"] = stamp(now)
            event["eventTime"] = None
            event["count"] = 1
            event["source"] = {"component": self._component, **({"host": self._host} if self._host else {})}
            event["reportingInstance"] = self._host
        self._cluster.storage.put(EVENT, event)

    def record_series(self, item: KubeObject, happening: Happening, now: datetime, *, action: str) -> None:
        """Records it as the newer recorder does: with an event time, and a series once it repeats."""
        if stored := self._repeated(item, happening):
            event = copied(stored)
            count = Tree(event).integer("series", "count", default=1) + 1
            event["series"] = {"count": count, "lastObservedTime": micro_stamp(now)}
        else:
            event = self._fresh(item, happening, now)
            event["firstTimestamp"] = event["lastTimestamp"] = None
            event["eventTime"] = micro_stamp(now)
            event["source"] = {}
            event["action"] = action
            event["reportingInstance"] = f"{self._component}-control-plane"
        self._cluster.storage.put(EVENT, event)

    def _repeated(self, item: KubeObject, happening: Happening) -> JsonObject | None:
        name = self._known.get((item.uid, happening))
        stored = self._cluster.storage.get(EVENT, item.namespace or "default", name) if name else None
        return stored.raw if stored else None

    def _fresh(self, item: KubeObject, happening: Happening, now: datetime) -> JsonObject:
        name = f"{item.name}.{int(now.timestamp() * 1e9) + len(self._known):016x}{self._cluster.suffix(2)}"
        self._known[item.uid, happening] = name
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        regarding: JsonObject = {
            "apiVersion": item.text("apiVersion"),
            "kind": item.kind,
            "name": item.name,
            "uid": item.uid,
            "resourceVersion": item.resource_version,
        }
        if item.namespace:
            regarding["namespace"] = item.namespace
        if happening.field_path:
            regarding["fieldPath"] = happening.field_path
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": name,
                "namespace": item.namespace or "default",
                "uid": f"{int(now.timestamp() * 1e6):012x}-{self._cluster.suffix(8)}",
                "creationTimestamp": stamp(now),
            },
            "involvedObject": regarding,
            "reason": happening.reason,
            "message": happening.message,
            "type": happening.type,
            "reportingComponent": self._component,
        }


_RENAMED = {
    "involvedObject": "regarding",
    "message": "note",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "source": "deprecatedSource",
    "reportingComponent": "reportingController",
}
_RENAMED_BACK = {new: old for old, new in _RENAMED.items()}


def as_new_event(event: JsonObject) -> JsonObject:
    """A core event as `events.k8s.io/v1` shows it."""
    shown: JsonObject = {_RENAMED.get(key, key): value for key, value in event.items()}
    shown["apiVersion"] = "events.k8s.io/v1"
    return shown


def as_core_event(event: JsonObject) -> JsonObject:
    """An `events.k8s.io/v1` event as it is stored."""
    stored: JsonObject = {_RENAMED_BACK.get(key, key): value for key, value in event.items()}
    stored["apiVersion"] = "v1"
    kept: Json = stored.get("source")
    stored["source"] = kept if isinstance(kept, dict) else {}
    section(stored, "involvedObject")
    return stored
