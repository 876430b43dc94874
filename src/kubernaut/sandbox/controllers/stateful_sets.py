"""The StatefulSet controller: ordered pods with stable names.

As in Kubernetes, an ordered set does not go on while one of its pods is not ready, so a broken update stays until
its pod is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.sandbox.cluster import Cluster
from kubernaut.sandbox.controllers import pods
from kubernaut.sandbox.controllers.retrying import Retries
from kubernaut.sandbox.failures import Failure
from kubernaut.sandbox.kinds import CLAIM, CONTROLLER_REVISION, POD, STATEFUL_SET
from kubernaut.sandbox.recorder import Recorder, normal, warning
from kubernaut.sandbox.shapes import copied, encoded, entries, section
from kubernaut.sandbox.simulation import Key
from kubernaut.sandbox.storage import Change

REVISION_LABEL = "controller-revision-hash"


def ensure_revision(cluster: Cluster, owner: KubeObject) -> str:
    """The name of the ControllerRevision of the owner's template, made where it is missing, with the highest number."""
    template = owner.at("spec", "template")
    mark = pods.safe_hash(encoded(template))
    name = f"{owner.name}-{mark}"
    present = cluster.find(CONTROLLER_REVISION, owner.namespace, name)
    newest = max((item.integer("revision") for item in pods.owned_by(cluster, CONTROLLER_REVISION, owner)), default=0)
    if present is not None and present.integer("revision") < newest:
        # A template that comes back keeps its revision, under a new number.
        cluster.change(
            CONTROLLER_REVISION, owner.namespace, name, lambda draft: draft.update(revision=newest + 1), pods.CONTROLLER
        )
    elif present is None:
        metadata: JsonObject = {
            "name": name,
            "labels": {**owner.mapping("spec", "template", "metadata", "labels"), REVISION_LABEL: mark},
            "ownerReferences": [pods.owner_reference(owner)],
        }
        body: JsonObject = {
            "metadata": metadata,
            "data": {"spec": {"template": template}},
            "revision": newest + 1,
        }
        cluster.create(CONTROLLER_REVISION, owner.namespace, body, pods.CONTROLLER)
    return name


class StatefulSets:
    """Creates pods in order, updates them in reverse order, and counts them."""

    watches = frozenset({STATEFUL_SET.key, POD.key})

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._recorder = Recorder(cluster, "statefulset-controller")
        self._retries = Retries()

    def affected(self, change: Change) -> Iterable[Key]:
        """The set itself, or the one that owns the pod."""
        if change.kind is STATEFUL_SET:
            return [pods.key_of(change.stored.view)]
        return pods.owner_keys(change, STATEFUL_SET)

    def reconcile(self, key: Key, now: datetime) -> datetime | None:
        """One step of creation, scaling or update, then the status."""
        item = self._cluster.find(STATEFUL_SET, *key)
        if item is None or pods.is_terminating(item):
            return None
        revision = ensure_revision(self._cluster, item)
        self._act(item, revision, now)
        current = self._cluster.find(STATEFUL_SET, *key)
        if current is not None:
            self._write_status(current, revision)
        return self._retries.waiting(item.uid, now)

    def _act(self, item: KubeObject, revision: str, now: datetime) -> None:
        wanted = item.integer("spec", "replicas")
        ordered = item.text("spec", "podManagementPolicy") != "Parallel"
        present = {_ordinal(pod): pod for pod in pods.owned_by(self._cluster, POD, item)}
        for ordinal in range(wanted):
            pod = present.get(ordinal)
            if pod is None:
                if not self._create(item, ordinal, revision, now) or ordered:
                    return
            elif _has_ended(pod):
                self._delete(item, pod, now)
                return
            elif ordered and not _serves(pod):
                return
        for ordinal in sorted((number for number in present if number >= wanted), reverse=True):
            if not pods.is_terminating(present[ordinal]):
                self._delete(item, present[ordinal], now)
            if ordered:
                return
        self._update(item, present, revision, now)

    def _update(self, item: KubeObject, present: dict[int, KubeObject], revision: str, now: datetime) -> None:
        if item.text("spec", "updateStrategy", "type") == "OnDelete":
            return
        partition = item.integer("spec", "updateStrategy", "rollingUpdate", "partition")
        for ordinal in sorted(present, reverse=True):
            pod = present[ordinal]
            if ordinal < partition:
                return
            if pods.is_terminating(pod):
                return
            if pod.labels.get(REVISION_LABEL) != revision:
                self._delete(item, pod, now)
                return
            if not pods.is_ready(pod):
                return

    def _create(self, item: KubeObject, ordinal: int, revision: str, now: datetime) -> bool:
        if self._retries.waiting(item.uid, now):
            return False
        name = f"{item.name}-{ordinal}"
        labels = {
            REVISION_LABEL: revision,
            "statefulset.kubernetes.io/pod-name": name,
            "apps.kubernetes.io/pod-index": str(ordinal),
        }
        draft = pods.pod_from_template(item.tree("spec", "template"), item, name=name, labels=labels)
        spec = section(draft, "spec")
        spec["hostname"] = name
        spec["subdomain"] = item.text("spec", "serviceName")
        self._claim(item, name, spec)
        try:
            self._cluster.create(POD, item.namespace, draft, pods.CONTROLLER)
        except Failure as refused:
            text = f"create Pod {name} in StatefulSet {item.name} failed error: {refused}"
            self._recorder.record(item, warning("FailedCreate", text), now)
            self._retries.failed(item.uid, now)
            return False
        self._retries.succeeded(item.uid)
        text = f"create Pod {name} in StatefulSet {item.name} successful"
        self._recorder.record(item, normal("SuccessfulCreate", text), now)
        return True

    def _claim(self, item: KubeObject, pod: str, spec: JsonObject) -> None:
        volumes = entries(spec, "volumes")
        for template in item.trees("spec", "volumeClaimTemplates"):
            volume = template.text("metadata", "name")
            name = f"{volume}-{pod}"
            if self._cluster.find(CLAIM, item.namespace, name) is None:
                claim = copied(dict(template.raw))
                section(claim, "metadata")["name"] = name
                section(claim, "metadata")["labels"] = {**item.mapping("spec", "selector", "matchLabels")}
                self._cluster.create(CLAIM, item.namespace, claim, pods.CONTROLLER)
            volumes.append({"name": volume, "persistentVolumeClaim": {"claimName": name}})
        if volumes:
            spec["volumes"] = [*volumes]

    def _delete(self, item: KubeObject, pod: KubeObject, now: datetime) -> None:
        self._cluster.delete(POD, pod.namespace, pod.name, pods.CONTROLLER)
        text = f"delete Pod {pod.name} in StatefulSet {item.name} successful"
        self._recorder.record(item, normal("SuccessfulDelete", text), now)

    def _write_status(self, item: KubeObject, revision: str) -> None:
        owned = [pod for pod in pods.owned_by(self._cluster, POD, item) if not pods.is_terminating(pod)]
        ready = [pod for pod in owned if pods.is_ready(pod)]
        updated = [pod for pod in owned if pod.labels.get(REVISION_LABEL) == revision]
        status = pods.status_draft(item)
        settled = len(updated) == len(owned) == item.integer("spec", "replicas") == len(ready)
        current = revision if settled else str(status.get("currentRevision") or revision)
        status |= {
            "observedGeneration": item.generation,
            "replicas": len(owned),
            "readyReplicas": len(ready),
            "availableReplicas": len(ready),
            "updatedReplicas": len(updated),
            "currentReplicas": sum(1 for pod in owned if pod.labels.get(REVISION_LABEL) == current),
            "currentRevision": current,
            "updateRevision": revision,
            "collisionCount": 0,
        }
        pods.write_status(self._cluster, STATEFUL_SET, item, status)


def _has_ended(pod: KubeObject) -> bool:
    return pod.text("status", "phase") in ("Failed", "Succeeded") and not pods.is_terminating(pod)


def _serves(pod: KubeObject) -> bool:
    return pods.is_ready(pod) and not pods.is_terminating(pod)


def _ordinal(pod: KubeObject) -> int:
    tail = pod.name.rsplit("-", 1)[-1]
    return int(tail) if tail.isdigit() else 0
