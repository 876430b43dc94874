"""The ReplicaSet controller: as many pods as wanted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from kubernaut.domain.objects import JsonObject, KubeObject, Tree
from kubernaut.sandbox.cluster import Cluster
from kubernaut.sandbox.controllers import pods
from kubernaut.sandbox.controllers.retrying import Retries
from kubernaut.sandbox.failures import Failure
from kubernaut.sandbox.kinds import POD, REPLICA_SET
from kubernaut.sandbox.recorder import Recorder, normal, warning
from kubernaut.sandbox.shapes import drop_condition, set_condition, stamp
from kubernaut.sandbox.simulation import Key
from kubernaut.sandbox.storage import Change


class ReplicaSets:
    """Creates and deletes the pods of ReplicaSets and counts them."""

    watches = frozenset({REPLICA_SET.key, POD.key})

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._recorder = Recorder(cluster, "replicaset-controller")
        self._retries = Retries()

    def affected(self, change: Change) -> Iterable[Key]:
        """The set itself, or the one that owns the pod."""
        if change.kind is REPLICA_SET:
            return [pods.key_of(change.stored.view)]
        return pods.owner_keys(change, REPLICA_SET)

    def reconcile(self, key: Key, now: datetime) -> datetime | None:
        """Creates or deletes what is missing or too much, then writes the status."""
        item = self._cluster.find(REPLICA_SET, *key)
        if item is None or pods.is_terminating(item):
            return None
        owned = pods.owned_by(self._cluster, POD, item)
        active = [pod for pod in owned if pods.is_active(pod)]
        missing = item.integer("spec", "replicas") - len(active)
        failure: Failure | None = None
        retry = self._retries.waiting(item.uid, now)
        if missing > 0 and retry:
            return retry
        if missing > 0:
            failure = self._create(item, missing, now)
        elif missing < 0:
            for pod in sorted(active, key=_deletion_rank)[:-missing]:
                self._cluster.delete(POD, pod.namespace, pod.name, pods.CONTROLLER)
                self._recorder.record(item, normal("SuccessfulDelete", f"Deleted pod: {pod.name}"), now)
        current = self._cluster.find(REPLICA_SET, *key)
        if current is None:
            return None
        return self._retry_at(item, failure, now) or self._write_status(current, failure, now)

    def _create(self, item: KubeObject, count: int, now: datetime) -> Failure | None:
        for _ in range(count):
            pod = pods.pod_from_template(item.tree("spec", "template"), item, labels={})
            try:
                made = self._cluster.create(POD, item.namespace, pod, pods.CONTROLLER)
            except Failure as refused:
                self._recorder.record(item, warning("FailedCreate", f"Error creating: {refused}"), now)
                return refused
            name = Tree(made).text("metadata", "name")
            self._recorder.record(item, normal("SuccessfulCreate", f"Created pod: {name}"), now)
        return None

    def _retry_at(self, item: KubeObject, failure: Failure | None, now: datetime) -> datetime | None:
        if failure is None:
            self._retries.succeeded(item.uid)
            return None
        self._write_status(self._cluster.find(REPLICA_SET, *pods.key_of(item)) or item, failure, now)
        return self._retries.failed(item.uid, now)

    def _write_status(self, item: KubeObject, failure: Failure | None, now: datetime) -> datetime | None:
        active = [pod for pod in pods.owned_by(self._cluster, POD, item) if pods.is_active(pod)]
        min_ready = item.integer("spec", "minReadySeconds")
        moments = [moment for pod in active if (moment := pods.available_at(pod, min_ready))]
        available = [moment for moment in moments if moment <= now]
        status = pods.status_draft(item)
        status["replicas"] = len(active)
        status["observedGeneration"] = item.generation
        _count(status, "fullyLabeledReplicas", len(active))
        _count(status, "readyReplicas", len(moments))
        _count(status, "availableReplicas", len(available))
        if failure is None:
            drop_condition(status, "ReplicaFailure")
            if status.get("conditions") == []:
                del status["conditions"]
        elif item.condition("ReplicaFailure") is None:
            # Like the real controller, which leaves the first message standing while the failure lasts.
            set_condition(status, _replica_failure(failure, now))
        pods.write_status(self._cluster, REPLICA_SET, item, status)
        return min((moment for moment in moments if moment > now), default=None)


def _replica_failure(failure: Failure, now: datetime) -> JsonObject:
    return {
        "type": "ReplicaFailure",
        "status": "True",
        "lastTransitionTime": stamp(now),
        "reason": "FailedCreate",
        "message": str(failure),
    }


def _count(status: JsonObject, key: str, value: int) -> None:
    # The API omits zero counts.
    if value:
        status[key] = value
    else:
        status.pop(key, None)


def _deletion_rank(pod: KubeObject) -> tuple[int, int, int, int, str]:
    """Unassigned, pending, not ready, often restarted and young pods go first, in this order of weight."""
    phases = {"Pending": 0, "Unknown": 1, "Running": 2}
    restarts = max((status.integer("restartCount") for status in pod.trees("status", "containerStatuses")), default=0)
    age = "".join(chr(0x7F - ord(letter)) for letter in pod.text("metadata", "creationTimestamp"))
    return (
        1 if pod.text("spec", "nodeName") else 0,
        phases.get(pod.text("status", "phase"), 0),
        1 if pods.is_ready(pod) else 0,
        -restarts,
        age,
    )
