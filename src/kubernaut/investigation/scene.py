"""What was read, indexed once: the only thing the causes look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from kubernaut.domain.evidence import NotRead
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.investigation.facts import event_time
from kubernaut.investigation.logs import LogLine

Key = tuple[str, str, str]

TOP_LEVEL = ("Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet", "Pod")
_MOST_OWNERS = 5
# A controller that is refused for hours leaves thousands about one object; the newest tell all that is current.
_MOST_EVENTS = 100


class Scene:
    """The objects of some namespaces at one moment.

    `whole` names the (kind, namespace) lists that were read to their end, with an empty namespace for all of them:
    only these can prove that something is not there.
    """

    def __init__(
        self,
        *,
        now: datetime,
        objects: Iterable[KubeObject],
        whole: Iterable[tuple[str, str]] = (),
        not_read: Sequence[NotRead] = (),
        logs: Mapping[Key, Sequence[LogLine]] | None = None,
    ) -> None:
        """`logs` maps (namespace, pod, container) to the decisive lines."""
        self.now = now
        self.not_read = tuple(not_read)
        self._whole = frozenset(whole)
        self._logs = dict(logs or {})
        self._by_key: dict[Key, KubeObject] = {}
        self._by_uid: dict[str, KubeObject] = {}
        self._by_kind: dict[str, list[KubeObject]] = defaultdict(list)
        self._owned: dict[str, list[KubeObject]] = defaultdict(list)
        self._events: dict[Key, list[KubeObject]] = defaultdict(list)
        self._pods_of: dict[Key, list[KubeObject]] | None = None
        for item in objects:
            self._add(item)
        for known in self._events.values():
            known.sort(key=lambda entry: event_time(entry) or _BEGINNING, reverse=True)
            del known[_MOST_EVENTS:]

    def _add(self, item: KubeObject) -> None:
        kind = item.kind
        if kind == "Event":
            involved = item.tree("involvedObject")
            # Events of a node carry no namespace, or `default`, where they are kept.
            place = "" if involved.text("kind") == "Node" else involved.text("namespace")
            key = (involved.text("kind"), place, involved.text("name"))
            self._events[key].append(item)
            return
        self._by_kind[kind].append(item)
        self._by_key[(kind, item.namespace, item.name)] = item
        if item.uid:
            self._by_uid[item.uid] = item
        for owner in item.trees("metadata", "ownerReferences"):
            if owner.flag("controller") and owner.text("uid"):
                self._owned[owner.text("uid")].append(item)

    @property
    def object_count(self) -> int:
        """How many objects were read, events apart."""
        return len(self._by_key)

    @property
    def event_count(self) -> int:
        """How many events were read."""
        return sum(map(len, self._events.values()))

    def all(self, kind: str, namespace: str | None = None) -> list[KubeObject]:
        """The objects of a kind, of one namespace where it is given."""
        found = self._by_kind.get(kind, [])
        return found if namespace is None else [item for item in found if item.namespace == namespace]

    def get(self, kind: str, namespace: str, name: str) -> KubeObject | None:
        """The object, None where it was not seen: that proves nothing unless `covers` holds."""
        return self._by_key.get((kind, namespace, name))

    def find(self, ref: ObjectRef) -> KubeObject | None:
        """The object at that address."""
        return self.get(ref.kind, ref.namespace, ref.name)

    def covers(self, kind: str, namespace: str) -> bool:
        """Whether all objects of the kind in the namespace were read."""
        return (kind, namespace) in self._whole or (kind, "") in self._whole

    def owned(self, owner: KubeObject, kind: str) -> list[KubeObject]:
        """The objects of a kind that the owner controls."""
        return [item for item in self._owned.get(owner.uid, ()) if item.kind == kind] if owner.uid else []

    def controller_of(self, item: KubeObject) -> KubeObject | None:
        """The object that controls it, if it was read and is not a later one of the same name."""
        for owner in item.trees("metadata", "ownerReferences"):
            if owner.flag("controller"):
                found = self._by_uid.get(owner.text("uid"))
                return found or self._without_uid(owner.text("kind"), item.namespace, owner.text("name"))
        return None

    def _without_uid(self, kind: str, namespace: str, name: str) -> KubeObject | None:
        found = self.get(kind, namespace, name)
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
        return self.get("Deployment", item.namespace, owner.name.removesuffix(f"-{label}"))

    def pods_of(self, top: KubeObject) -> list[KubeObject]:
        """The pods whose uppermost owner is this object."""
        if self._pods_of is None:
            self._pods_of = defaultdict(list)
            for pod in self.all("Pod"):
                owner = self.top_of(pod)
                self._pods_of[(owner.kind, owner.namespace, owner.name)].append(pod)
        return self._pods_of.get((top.kind, top.namespace, top.name), [])

    def selected(self, namespace: str, selector: Mapping[str, str]) -> list[KubeObject]:
        """The pods that carry all these labels; none for an empty selector."""
        if not selector:
            return []
        return [pod for pod in self.all("Pod", namespace) if selector.items() <= pod.labels.items()]

    def events_of(self, item: KubeObject, *reasons: str) -> list[KubeObject]:
        """The events about this very object, newest first, with those reasons where some are given."""
        found = self._events.get((item.kind, item.namespace, item.name), [])
        # A kubelet writes the node's name as its uid.
        if item.uid and item.kind != "Node":
            found = [entry for entry in found if entry.text("involvedObject", "uid") in ("", item.uid)]
        return [entry for entry in found if not reasons or entry.text("reason") in reasons]

    def reasons_of_pods_named(self, namespace: str, prefix: str) -> dict[str, set[str]]:
        """For each pod whose name begins so, perhaps gone by now: the reasons of the events about it."""
        return {
            name: {entry.text("reason") for entry in entries}
            for (kind, place, name), entries in self._events.items()
            if kind == "Pod" and place == namespace and name.startswith(prefix)
        }

    def events_of_pods_named(self, namespace: str, prefix: str, *reasons: str) -> list[KubeObject]:
        """The events with those reasons about pods whose name begins so, perhaps gone by now."""
        return [
            entry
            for (kind, place, name), entries in self._events.items()
            if kind == "Pod" and place == namespace and name.startswith(prefix)
            for entry in entries
            if entry.text("reason") in reasons
        ]

    def log_of(self, pod: KubeObject, container: str) -> Sequence[LogLine]:
        """The decisive lines of that container's log, as far as it was read."""
        return self._logs.get((pod.namespace, pod.name, container), ())

    def add_logs(self, logs: Mapping[Key, Sequence[LogLine]], not_read: Sequence[NotRead]) -> None:
        """Takes in what the logs said: which ones to read is known only once the objects are here."""
        self._logs.update(logs)
        self.not_read += tuple(not_read)


_BEGINNING = datetime.fromisoformat("0001-01-01T00:00:00+00:00")
