"""What was read, indexed once: the only thing the causes look at.

A scene notes what is asked of it and was never read, so that the reading follows the questions: whoever examines a
scene finds in `take_wanted` what to read before examining it again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from kubernaut.domain.evidence import NotRead
from kubernaut.domain.measures import Asked, Series
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.investigation.logs import LogLine
from kubernaut.investigation.occurrences import Occurrences
from kubernaut.investigation.questions import Key, Place, Questions, Wanted
from kubernaut.resources import CLUSTER_WIDE

TOP_LEVEL = ("Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet", "Pod")
_MOST_OWNERS = 5


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
        self.not_read = tuple(not_read)
        self.questions = Questions()
        self.occurrences = Occurrences(self.questions)
        self._logs = dict(logs or {})
        self._by_key: dict[Key, KubeObject] = {}
        self._by_uid: dict[str, KubeObject] = {}
        self._by_kind: dict[str, list[KubeObject]] = defaultdict(list)
        self._by_place: dict[Place, list[KubeObject]] = defaultdict(list)
        self._owned: dict[str, list[KubeObject]] = defaultdict(list)
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
        self.questions.answered(whole=whole, tried=tried, gone=gone)
        self.not_read += tuple(not_read)
        self._pods_of = None
        for item in objects:
            self._add(item)

    def _add(self, item: KubeObject) -> None:
        kind = item.kind
        if kind == "Event":
            self.occurrences.add(item)
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
        return self.questions.take()

    @property
    def object_count(self) -> int:
        """How many objects were read, events apart."""
        return len(self._by_key)

    def all(self, kind: str, namespace: str | None = None) -> list[KubeObject]:
        """The objects of a kind: of one namespace where it is given, of those that were read otherwise."""
        if namespace is not None or kind in CLUSTER_WIDE:
            self.questions.want(kind, namespace or "")
        return self._by_kind.get(kind, []) if namespace is None else list(self._by_place.get((kind, namespace), ()))

    def get(self, kind: str, namespace: str, name: str) -> KubeObject | None:
        """The object, None where it was not seen: that proves nothing unless `covers` holds."""
        found = self._by_key.get((kind, namespace, name))
        if found is None:
            self.questions.want(kind, namespace)
        return found

    def find(self, ref: ObjectRef) -> KubeObject | None:
        """The object at that address."""
        return self.get(ref.kind, ref.namespace, ref.name)

    def covers(self, kind: str, namespace: str, name: str = "") -> bool:
        """Whether all objects of the kind in the namespace were read, or the one of that name is known to be gone."""
        self.questions.want(kind, namespace)
        return self.questions.covers(kind, namespace, name)

    def owned(self, owner: KubeObject, kind: str) -> list[KubeObject]:
        """The objects of a kind that the owner controls."""
        self.questions.want(kind, owner.namespace)
        return [item for item in self._owned.get(owner.uid, ()) if item.kind == kind] if owner.uid else []

    def controller_of(self, item: KubeObject) -> KubeObject | None:
        """The object that controls it, if it was read and is not a later one of the same name."""
        owner = item.owner
        if owner is None:
            return None
        found = self._by_uid.get(owner.uid)
        if found is None and owner.ref.kind in TOP_LEVEL:
            self.questions.want(owner.ref.kind, item.namespace)
        named = self._by_key.get((owner.ref.kind, owner.ref.namespace, owner.ref.name))
        return found or (named if named and not named.uid else None)

    def top_of(self, item: KubeObject) -> KubeObject:
        """The uppermost owner that was read, the object itself where nothing controls it."""
        for _ in range(_MOST_OWNERS):
            named = _deployment_by_hash(item)
            owner = self.controller_of(item) or (self._by_key.get(named) if named else None)
            if owner is None or owner is item or owner.kind not in TOP_LEVEL:
                return item
            item = owner
        return item

    def pods_of(self, top: KubeObject) -> list[KubeObject]:
        """The pods whose uppermost owner is this object."""
        self.questions.want("Pod", top.namespace)
        if self._pods_of is None:
            self._pods_of = defaultdict(list)
            # Whose the other pods are is nobody's question.
            with self.questions.unasked():
                for pod in self._by_kind.get("Pod", ()):
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
        return self.occurrences.of(item, *reasons)

    def events_of_pods_named(self, namespace: str, prefix: str, *reasons: str) -> list[KubeObject]:
        """The events with those reasons about pods whose name begins so, perhaps gone by now."""
        return self.occurrences.of_pods_named(namespace, prefix, *reasons)

    def log_of(self, pod: KubeObject, container: str, *, even_well: bool = False) -> Sequence[LogLine]:
        """The decisive lines of that container's log, as far as it was read; of one that is well only if asked so."""
        key = (pod.namespace, pod.name, container)
        if even_well:
            self.questions.want_though_well(key)
        if key not in self._logs:
            self.questions.want_log(key)
        return self._logs.get(key, ())

    def measured(self, asked: Asked) -> Sequence[Series]:
        """What Prometheus says, as far as it was asked; nothing, and nothing missing, where there is none."""
        if self.measurable and asked not in self._measured:
            self.questions.want_metric(asked)
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
        self.questions.logs_tried(tried)
        self.not_read += tuple(not_read)


def _deployment_by_hash(item: KubeObject) -> Key | None:
    """The Deployment of a pod whose ReplicaSet could not be read: its name is in the ReplicaSet's."""
    owner = item.controller if item.kind == "Pod" else None
    label = item.labels.get("pod-template-hash")
    if owner is None or owner.kind != "ReplicaSet" or not label:
        return None
    return "Deployment", item.namespace, owner.name.removesuffix(f"-{label}")
