"""Small controllers: namespaces, quota figures, disruption budgets, old events and orphans."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from kubernaut.domain.objects import Json, JsonObject, KubeObject, Tree
from kubernaut.domain.selectors import matches, selector_of
from kubernaut.sandbox.cluster import Cluster
from kubernaut.sandbox.controllers import pods
from kubernaut.sandbox.deletion import Deletion
from kubernaut.sandbox.kinds import (
    BUDGET,
    BY_NAME,
    CONFIG_MAP,
    EVENT,
    NAMESPACE,
    POD,
    RESOURCE_QUOTA,
    SERVICE_ACCOUNT,
    STORED,
    Kind,
)
from kubernaut.sandbox.quota import quota_status
from kubernaut.sandbox.shapes import section
from kubernaut.sandbox.simulation import Key
from kubernaut.sandbox.storage import Change

_EVENTS_LIVE = timedelta(hours=1)
_AUTHORITY = "-----BEGIN CERTIFICATE-----\nsandbox\n-----END CERTIFICATE-----\n"


class Namespaces:
    """Gives a new namespace its defaults, and empties one that is being deleted."""

    watches = frozenset({NAMESPACE.key, SERVICE_ACCOUNT.key, POD.key})

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def affected(self, change: Change) -> Iterable[Key]:
        """The namespace; its pods matter only when they go."""
        view = change.stored.view
        if change.kind is NAMESPACE:
            return [("", view.name)]
        return [("", view.namespace)] if change.type == "DELETED" else []

    def reconcile(self, key: Key, now: datetime) -> datetime | None:  # noqa: ARG002  # nothing here waits
        """Creates the default objects, or deletes everything and then the namespace."""
        space = self._cluster.find(NAMESPACE, *key)
        if space is None:
            return None
        if pods.is_terminating(space):
            self._empty(space.name)
            return None
        if self._cluster.find(SERVICE_ACCOUNT, space.name, "default") is None:
            self._cluster.create(SERVICE_ACCOUNT, space.name, {"metadata": {"name": "default"}}, pods.CONTROLLER)
        if self._cluster.find(CONFIG_MAP, space.name, "kube-root-ca.crt") is None:
            body: JsonObject = {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": _AUTHORITY}}
            self._cluster.create(CONFIG_MAP, space.name, body, pods.CONTROLLER)
        return None

    def _empty(self, name: str) -> None:
        left = 0
        for kind in STORED:
            if not kind.namespaced or kind is EVENT:
                continue
            for item in self._cluster.storage.views(kind, name):
                if not pods.is_terminating(item):
                    self._cluster.delete(kind, name, item.name, pods.CONTROLLER)
                left += self._cluster.find(kind, name, item.name) is not None
        if left:
            return
        for event in self._cluster.storage.views(EVENT, name):
            self._cluster.storage.remove(EVENT, name, event.name)
        self._cluster.storage.remove(NAMESPACE, "", name)


class Quotas:
    """Writes what each quota's namespace uses."""

    watches = frozenset({kind.key for kind in STORED if kind.namespaced and kind is not EVENT})

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def affected(self, change: Change) -> Iterable[Key]:
        """The quotas of the namespace in which something came, went or changed phase."""
        view = change.stored.view
        if change.kind is RESOURCE_QUOTA:
            return [pods.key_of(view)]
        if change.type == "MODIFIED" and change.kind is not POD:
            return []
        return [pods.key_of(item) for item in self._cluster.storage.views(RESOURCE_QUOTA, view.namespace)]

    def reconcile(self, key: Key, now: datetime) -> datetime | None:  # noqa: ARG002  # nothing here waits
        """Writes the status of the quota."""
        quota = self._cluster.find(RESOURCE_QUOTA, *key)
        if quota is not None:
            pods.write_status(self._cluster, RESOURCE_QUOTA, quota, quota_status(self._cluster.storage, quota))
        return None


def budget_status(cluster: Cluster, budget: KubeObject) -> JsonObject:
    """How many pods the budget counts, wants and can spare."""
    selector = selector_of(budget.tree("spec", "selector"))
    counted = [pod for pod in cluster.storage.views(POD, budget.namespace) if matches(selector, pod.labels)]
    counted = [pod for pod in counted if pods.is_active(pod)]
    healthy = sum(1 for pod in counted if pods.is_ready(pod))
    if budget.has("spec", "minAvailable"):
        wanted = pods.share(budget.at("spec", "minAvailable"), len(counted), round_up=True)
    else:
        wanted = len(counted) - pods.share(budget.at("spec", "maxUnavailable"), len(counted), round_up=True)
    return {
        "currentHealthy": healthy,
        "desiredHealthy": max(0, wanted),
        "disruptionsAllowed": max(0, healthy - max(0, wanted)),
        "expectedPods": len(counted),
        "observedGeneration": budget.generation,
    }


class Budgets:
    """Writes the status of disruption budgets."""

    watches = frozenset({BUDGET.key, POD.key})

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def affected(self, change: Change) -> Iterable[Key]:
        """The budget, or those of the pod's namespace."""
        if change.kind is BUDGET:
            return [pods.key_of(change.stored.view)]
        return [pods.key_of(item) for item in self._cluster.storage.views(BUDGET, change.stored.view.namespace)]

    def reconcile(self, key: Key, now: datetime) -> datetime | None:  # noqa: ARG002  # nothing here waits
        """Writes the status of the budget."""
        budget = self._cluster.find(BUDGET, *key)
        if budget is not None:
            pods.write_status(self._cluster, BUDGET, budget, budget_status(self._cluster, budget))
        return None


class EventExpiry:
    """Drops events an hour after they were last written."""

    watches = frozenset({EVENT.key})

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def affected(self, change: Change) -> Iterable[Key]:
        """The event."""
        return [] if change.type == "DELETED" else [pods.key_of(change.stored.view)]

    def reconcile(self, key: Key, now: datetime) -> datetime | None:
        """Removes the event when its time has come."""
        event = self._cluster.find(EVENT, *key)
        if event is None:
            return None
        last = event.time("series", "lastObservedTime") or event.time("lastTimestamp") or event.created_at or now
        if last + _EVENTS_LIVE > now:
            return last + _EVENTS_LIVE
        self._cluster.storage.remove(EVENT, *key)
        return None


class Garbage:
    """Deletes what lost all its owners, and lets go of owners that wait for their dependents.

    Keys are (kind and namespace, name) of an owner that is going or gone.
    """

    watches = frozenset({kind.key for kind in STORED})

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._dependents: dict[str, dict[tuple[str, str, str], Kind]] = {}
        self._gone: dict[Key, str] = {}

    def affected(self, change: Change) -> Iterable[Key]:
        """The owner that went or is going; the owners of a dependent that went."""
        view = change.stored.view
        address = (change.kind.key, view.namespace, view.name)
        for owner in view.trees("metadata", "ownerReferences"):
            known = self._dependents.setdefault(owner.text("uid"), {})
            if change.type == "DELETED":
                known.pop(address, None)
                parent = BY_NAME.get((owner.text("apiVersion"), owner.text("kind")))
                if parent is not None:
                    yield f"{parent.key} {view.namespace if parent.namespaced else ''}", owner.text("name")
            else:
                known[address] = change.kind
        if change.type == "DELETED" or pods.is_terminating(view):
            key = (f"{change.kind.key} {view.namespace}", view.name)
            if change.type == "DELETED" and self._dependents.get(view.uid):
                self._gone[key] = view.uid
            yield key

    def reconcile(self, key: Key, now: datetime) -> datetime | None:  # noqa: ARG002  # nothing here waits
        """Deletes or frees the dependents of the owner."""
        kind_key, _, namespace = key[0].partition(" ")
        kind = next(each for each in STORED if each.key == kind_key)
        owner = self._cluster.find(kind, namespace, key[1])
        if uid := self._gone.pop(key, ""):
            self._delete_dependents(uid, "")
        if owner is None or not pods.is_terminating(owner):
            return None
        finalizers = owner.texts("metadata", "finalizers")
        if "orphan" in finalizers:
            self._orphan(owner.uid)
            self._release(kind, owner, "orphan")
        elif "foregroundDeletion" in finalizers:
            self._delete_dependents(owner.uid, "Foreground")
            if not self._dependents.get(owner.uid):
                self._release(kind, owner, "foregroundDeletion")
        return None

    def _each(self, uid: str) -> list[tuple[Kind, KubeObject]]:
        found: list[tuple[Kind, KubeObject]] = []
        for (_, namespace, name), kind in list(self._dependents.get(uid, {}).items()):
            item = self._cluster.find(kind, namespace, name)
            if item is not None and any(
                owner.text("uid") == uid for owner in item.trees("metadata", "ownerReferences")
            ):
                found.append((kind, item))
        return found

    def _delete_dependents(self, uid: str, propagation: str) -> None:
        for kind, item in self._each(uid):
            if not pods.is_terminating(item):
                options = Deletion(uid=item.uid, propagation="" if kind is POD else propagation)
                self._cluster.delete(kind, item.namespace, item.name, pods.CONTROLLER, options)

    def _orphan(self, uid: str) -> None:
        for kind, item in self._each(uid):

            def edit(draft: JsonObject) -> None:
                owners: list[Json] = [
                    dict(owner.raw)
                    for owner in Tree(draft).trees("metadata", "ownerReferences")
                    if owner.text("uid") != uid
                ]
                section(draft, "metadata")["ownerReferences"] = owners

            self._cluster.change(kind, item.namespace, item.name, edit, pods.CONTROLLER)
        self._dependents.pop(uid, None)

    def _release(self, kind: Kind, owner: KubeObject, finalizer: str) -> None:
        def edit(draft: JsonObject) -> None:
            left: list[Json] = [text for text in owner.texts("metadata", "finalizers") if text != finalizer]
            section(draft, "metadata")["finalizers"] = left

        self._cluster.change(kind, owner.namespace, owner.name, edit, pods.CONTROLLER)
