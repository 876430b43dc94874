"""What was read, indexed once: the only thing the causes look at.

A scene notes what is asked of it and was never read, so that the reading follows the questions: whoever examines a
scene finds in `take_wanted` what to read before examining it again. A list that was tried in vain is not wanted again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.evidence import NotRead
from kubernaut.domain.measures import Asked, Series
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.investigation.facts import event_time
from kubernaut.investigation.logs import LogLine
from kubernaut.resources import CLUSTER_WIDE

Key = tuple[str, str, str]
Place = tuple[str, str]

TOP_LEVEL = ("Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet", "Pod")
_MOST_OWNERS = 5
# A controller that is refused for hours leaves thousands about one object; the newest tell all that is current.
_MOST_EVENTS = 100
# Where the events of nodes, volumes and other objects without a namespace are kept.
_PLACE_OF_CLUSTER_WIDE_EVENTS = "default"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked of a scene in vain: (kind, namespace) lists, logs as (namespace, pod, container), and metrics."""

    lists: frozenset[Place]
    logs: frozenset[Key]
    metrics: frozenset[Asked] = frozenset()

    def __bool__(self) -> bool:
        """Whether anything is wanted."""
        return bool(self.lists or self.logs or self.metrics)


class Scene:
    """The objects of some namespaces at one moment.

    `whole` names the (kind, namespace) lists that were read to their end, with an empty namespace for all of them:
    only these can prove that something is not there.
    """

    def __init__(
        self,
        *,
        now: datetime,
        objects: Iterable[KubeObject] = (),
        whole: Iterable[Place] = (),
        not_read: Sequence[NotRead] = (),
        logs: Mapping[Key, Sequence[LogLine]] | None = None,
        measurable: bool = False,
    ) -> None:
        """`logs` maps (namespace, pod, container) to the decisive lines; `measurable` is False without a Prometheus.

        Where a ticket is looked at, `is_told` is set, and so are what it quotes and what it shows in part.
        """
        self.now = now
        self.measurable = measurable
        self.is_told = False
        self.heard: tuple[LogLine, ...] = ()
        self.partial: frozenset[ObjectRef] = frozenset()
        self.retold: frozenset[ObjectRef] = frozenset()
        self._measured: dict[Asked, Sequence[Series]] = {}
        self._wanted_metrics: set[Asked] = set()
        self.not_read = tuple(not_read)
        self._whole: set[Place] = set()
        self._tried: set[Place] = set()
        self._gone: set[Key] = set()
        self._logs = dict(logs or {})
        self._logs_tried: set[Key] = set()
        self._wanted: set[Place] = set()
        self._wanted_logs: set[Key] = set()
        self.asked_though_well: set[Key] = set()
        self._by_key: dict[Key, KubeObject] = {}
        self._by_uid: dict[str, KubeObject] = {}
        self._by_kind: dict[str, list[KubeObject]] = defaultdict(list)
        self._by_place: dict[Place, list[KubeObject]] = defaultdict(list)
        self._pods_told_of: dict[str, list[Key]] = defaultdict(list)
        self._owned: dict[str, list[KubeObject]] = defaultdict(list)
        self._events: dict[Key, list[KubeObject]] = defaultdict(list)
        self._sorted: set[Key] = set()
        self._pods_of: dict[Key, list[KubeObject]] | None = None
        self.add(objects, whole=whole)

    def add(
        self,
        objects: Iterable[KubeObject],
        *,
        whole: Iterable[Place] = (),
        tried: Iterable[Place] = (),
        not_read: Iterable[NotRead] = (),
        gone: Iterable[Key] = (),
    ) -> None:
        """Takes in what was read since; `tried` are lists that gave nothing, or not all.

        `gone` are objects that the API server says are not there, by (kind, namespace, name).
        """
        self._gone.update(gone)
        self._whole.update(whole)
        self._tried.update(tried)
        self.not_read += tuple(not_read)
        self._pods_of = None
        for item in objects:
            self._add(item)

    def _add(self, item: KubeObject) -> None:
        kind = item.kind
        if kind == "Event":
            about = item.regarding
            # Events of a node carry no namespace, or `default`, where they are kept.
            key = (about.kind, "" if about.kind == "Node" else about.namespace, about.name)
            if about.kind == "Pod" and key not in self._events:
                self._pods_told_of[about.namespace].append(key)
            self._events[key].append(item)
            self._sorted.discard(key)
            return
        key = (kind, item.namespace, item.name)
        if key in self._by_key:
            return
        self._by_kind[kind].append(item)
        self._by_place[(kind, key[1])].append(item)
        self._by_key[key] = item
        if item.uid:
            self._by_uid[item.uid] = item
        owner = item.owner
        if owner is not None and owner.uid:
            self._owned[owner.uid].append(item)

    def take_wanted(self) -> Wanted:
        """What was asked for in vain since the last time."""
        wanted = Wanted(frozenset(self._wanted), frozenset(self._wanted_logs), frozenset(self._wanted_metrics))
        self._wanted.clear()
        self._wanted_logs.clear()
        self._wanted_metrics.clear()
        return wanted

    def _want(self, kind: str, namespace: str) -> None:
        # A question about a node is no reason to read a kind in all namespaces: whoever means that reads it at first.
        if not namespace and kind not in CLUSTER_WIDE:
            return
        for place in ((kind, namespace), (kind, "")):
            if place in self._whole or place in self._tried:
                return
        self._wanted.add((kind, namespace))

    @property
    def object_count(self) -> int:
        """How many objects were read, events apart."""
        return len(self._by_key)

    @property
    def event_count(self) -> int:
        """How many events were read."""
        return sum(map(len, self._events.values()))

    def all(self, kind: str, namespace: str | None = None) -> list[KubeObject]:
        """The objects of a kind: of one namespace where it is given, of those that were read otherwise."""
        if namespace is not None or kind in CLUSTER_WIDE:
            self._want(kind, namespace or "")
        return self._by_kind.get(kind, []) if namespace is None else list(self._by_place.get((kind, namespace), ()))

    def get(self, kind: str, namespace: str, name: str) -> KubeObject | None:
        """The object, None where it was not seen: that proves nothing unless `covers` holds."""
        found = self._by_key.get((kind, namespace, name))
        if found is None:
            self._want(kind, namespace)
        return found

    def find(self, ref: ObjectRef) -> KubeObject | None:
        """The object at that address."""
        return self.get(ref.kind, ref.namespace, ref.name)

    def covers(self, kind: str, namespace: str, name: str = "") -> bool:
        """Whether all objects of the kind in the namespace were read, or the one of that name is known to be gone."""
        self._want(kind, namespace)
        return bool({(kind, namespace), (kind, "")} & self._whole) or (kind, namespace, name) in self._gone

    def owned(self, owner: KubeObject, kind: str) -> list[KubeObject]:
        """The objects of a kind that the owner controls."""
        self._want(kind, owner.namespace)
        return [item for item in self._owned.get(owner.uid, ()) if item.kind == kind] if owner.uid else []

    def controller_of(self, item: KubeObject) -> KubeObject | None:
        """The object that controls it, if it was read and is not a later one of the same name."""
        owner = item.owner
        if owner is None:
            return None
        found = self._by_uid.get(owner.uid)
        if found is None and owner.ref.kind in TOP_LEVEL:
            self._want(owner.ref.kind, item.namespace)
        return found or self._without_uid(owner.ref)

    def _without_uid(self, ref: ObjectRef) -> KubeObject | None:
        found = self._by_key.get((ref.kind, ref.namespace, ref.name))
        return found if found and not found.uid else None

    def top_of(self, item: KubeObject) -> KubeObject:
        """The uppermost owner that was read, the object itself where nothing controls it."""
        for _ in range(_MOST_OWNERS):
            owner = self.controller_of(item) or self._deployment_by_hash(item)
            if owner is None or owner is item or owner.kind not in TOP_LEVEL:
                return item
            item = owner
        return item

    def _deployment_by_hash(self, item: KubeObject) -> KubeObject | None:
        """The Deployment of a pod whose ReplicaSet could not be read: its name is in the ReplicaSet's."""
        owner = item.controller if item.kind == "Pod" else None
        label = item.labels.get("pod-template-hash")
        if owner is None or owner.kind != "ReplicaSet" or not label:
            return None
        return self._by_key.get(("Deployment", item.namespace, owner.name.removesuffix(f"-{label}")))

    def pods_of(self, top: KubeObject) -> list[KubeObject]:
        """The pods whose uppermost owner is this object."""
        self._want("Pod", top.namespace)
        if self._pods_of is None:
            self._pods_of = defaultdict(list)
            asked = set(self._wanted)
            for pod in self._by_kind.get("Pod", ()):
                owner = self.top_of(pod)
                self._pods_of[(owner.kind, owner.namespace, owner.name)].append(pod)
            # Whose the other pods are is nobody's question.
            self._wanted = asked
        return self._pods_of.get((top.kind, top.namespace, top.name), [])

    def selected(self, namespace: str, selector: Mapping[str, str]) -> list[KubeObject]:
        """The pods that carry all these labels; none for an empty selector."""
        if not selector:
            return []
        return [pod for pod in self.all("Pod", namespace) if selector.items() <= pod.labels.items()]

    def events_of(self, item: KubeObject, *reasons: str) -> list[KubeObject]:
        """The events about this very object, newest first, with those reasons where some are given."""
        self._want("Event", item.namespace or _PLACE_OF_CLUSTER_WIDE_EVENTS)
        found = self._newest((item.kind, item.namespace, item.name))
        # A kubelet writes the node's name as its uid.
        if item.uid and item.kind != "Node":
            found = [entry for entry in found if entry.text("involvedObject", "uid") in ("", item.uid)]
        return [entry for entry in found if not reasons or entry.text("reason") in reasons]

    def _newest(self, key: Key) -> list[KubeObject]:
        known = self._events.get(key, [])
        if key not in self._sorted:
            self._sorted.add(key)
            known.sort(key=lambda entry: event_time(entry) or _BEGINNING, reverse=True)
            del known[_MOST_EVENTS:]
        return known

    def reasons_of_pods_named(self, namespace: str, prefix: str) -> dict[str, set[str]]:
        """For each pod whose name begins so, perhaps gone by now: the reasons of the events about it."""
        self._want("Event", namespace)
        return {
            key[2]: {entry.text("reason") for entry in self._newest(key)}
            for key in self._pods_told_of.get(namespace, ())
            if key[2].startswith(prefix)
        }

    def events_of_pods_named(self, namespace: str, prefix: str, *reasons: str) -> list[KubeObject]:
        """The events with those reasons about pods whose name begins so, perhaps gone by now."""
        return [
            entry
            for key in self._pods_told_of.get(namespace, ())
            if key[2].startswith(prefix)
            for entry in self._events[key]
            if entry.text("reason") in reasons
        ]

    def log_of(self, pod: KubeObject, container: str, *, even_well: bool = False) -> Sequence[LogLine]:
        """The decisive lines of that container's log, as far as it was read; of one that is well only if asked so."""
        key = (pod.namespace, pod.name, container)
        if even_well and key not in self.asked_though_well:
            # Asked for before, it was left out as that of a container that is well.
            self.asked_though_well.add(key)
            self._logs_tried.discard(key)
        if key not in self._logs and key not in self._logs_tried:
            self._wanted_logs.add(key)
        return self._logs.get(key, ())

    def measured(self, asked: Asked) -> Sequence[Series]:
        """What Prometheus says, as far as it was asked; nothing, and nothing missing, where there is none."""
        if self.measurable and asked not in self._measured:
            self._wanted_metrics.add(asked)
        return self._measured.get(asked, ())

    def add_measured(self, found: Mapping[Asked, Sequence[Series]], *, not_read: Iterable[NotRead] = ()) -> None:
        """Takes in what Prometheus said; an empty answer is not asked for again."""
        self._measured.update(found)
        self.not_read += tuple(not_read)

    def add_logs(
        self, logs: Mapping[Key, Sequence[LogLine]], tried: Iterable[Key] = (), not_read: Iterable[NotRead] = ()
    ) -> None:
        """Takes in what logs said; `tried` are those that are not to be asked for again."""
        self._logs.update(logs)
        self._logs_tried.update(tried)
        self.not_read += tuple(not_read)


_BEGINNING = datetime.fromisoformat("0001-01-01T00:00:00+00:00")
