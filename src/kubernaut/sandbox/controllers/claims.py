"""Claims: provisioned where their class is there, bound to a volume that fits where they name none."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from kubernaut.domain.objects import Json, JsonObject, KubeObject
from kubernaut.domain.quantities import amount
from kubernaut.domain.selectors import matches, selector_of
from kubernaut.sandbox.admission import PROTECTED_CLAIM
from kubernaut.sandbox.cluster import Cluster
from kubernaut.sandbox.controllers import pods
from kubernaut.sandbox.kinds import BY_NAME, CLAIM, POD
from kubernaut.sandbox.recorder import Happening, Recorder, normal, warning
from kubernaut.sandbox.shapes import section
from kubernaut.sandbox.simulation import Key
from kubernaut.sandbox.storage import Change

VOLUME = BY_NAME["v1", "PersistentVolume"]
_CLASS = BY_NAME["storage.k8s.io/v1", "StorageClass"]
_ENDED = frozenset({"Succeeded", "Failed"})
_NO_VOLUME = normal("FailedBinding", "no persistent volumes available for this claim and no storage class is set")


class Claims:
    """Binds claims, and lets deleted ones go. One that names no class gets a volume of the default class at once."""

    watches = frozenset({CLAIM.key, VOLUME.key, _CLASS.key, POD.key})

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._recorder = Recorder(cluster, "persistentvolume-controller")

    def affected(self, change: Change) -> Iterable[Key]:
        """The claim; those that a pod uses; those that wait where a volume or a class changed."""
        if change.kind is CLAIM:
            return [pods.key_of(change.stored.view)]
        if change.kind is POD:
            pod = change.stored.view
            return [(pod.namespace, name) for name in _claims_of(pod)]
        return [pods.key_of(claim) for claim in self._cluster.storage.views(CLAIM) if not _is_bound(claim)]

    def reconcile(self, key: Key, now: datetime) -> datetime | None:
        """Marks the claim bound, or says why it is not; a volume or class that comes is a change that wakes it."""
        claim = self._cluster.find(CLAIM, *key)
        if claim is not None and claim.has("metadata", "deletionTimestamp"):
            self._let_go(claim)
            return None
        if claim is None or _is_bound(claim):
            return None
        name = claim.at("spec", "storageClassName")
        if volume := self._fitting(claim, str(name or "")):
            self._take(volume, claim)
            self._bind(claim, volume.name, volume.at("spec", "capacity"))
        elif name is None or (name and self._cluster.find(_CLASS, "", str(name))):
            self._bind(claim, f"pvc-{claim.uid}", claim.at("spec", "resources", "requests"))
        elif name:
            self._wait(claim, warning("ProvisioningFailed", f'storageclass.storage.k8s.io "{name}" not found'), now)
        else:
            self._wait(claim, _NO_VOLUME, now)
        return None

    def _let_go(self, claim: KubeObject) -> None:
        users = (pod for pod in self._cluster.storage.views(POD, claim.namespace) if claim.name in _claims_of(pod))
        if any(pod.text("status", "phase") not in _ENDED for pod in users):
            return

        def edit(draft: JsonObject) -> None:
            kept: list[Json] = [each for each in claim.texts("metadata", "finalizers") if each != PROTECTED_CLAIM]
            section(draft, "metadata")["finalizers"] = kept

        if PROTECTED_CLAIM in claim.texts("metadata", "finalizers"):
            self._cluster.change(CLAIM, claim.namespace, claim.name, edit, pods.CONTROLLER)

    def _fitting(self, claim: KubeObject, storage_class: str) -> KubeObject | None:
        size = amount(claim.at("spec", "resources", "requests", "storage"))
        selector = selector_of(claim.tree("spec", "selector"))
        fitting = [
            volume
            for volume in self._cluster.storage.views(VOLUME)
            if not volume.has("spec", "claimRef")
            and volume.text("spec", "storageClassName") == storage_class
            and amount(volume.at("spec", "capacity", "storage")) >= size
            and set(claim.texts("spec", "accessModes")) <= set(volume.texts("spec", "accessModes"))
            and matches(selector, volume.labels)
        ]
        return min(fitting, key=lambda volume: amount(volume.at("spec", "capacity", "storage")), default=None)

    def _take(self, volume: KubeObject, claim: KubeObject) -> None:
        def edit(draft: JsonObject) -> None:
            taken: JsonObject = {"kind": CLAIM.name, "namespace": claim.namespace, "name": claim.name, "uid": claim.uid}
            section(draft, "spec")["claimRef"] = {"apiVersion": "v1", **taken}

        self._cluster.change(VOLUME, "", volume.name, edit, pods.CONTROLLER)
        bound = self._cluster.find(VOLUME, "", volume.name)
        if bound is not None:
            pods.write_status(self._cluster, VOLUME, bound, {"phase": "Bound"})

    def _bind(self, claim: KubeObject, volume: str, size: object) -> None:
        def edit(draft: JsonObject) -> None:
            section(draft, "spec")["volumeName"] = volume

        self._cluster.change(CLAIM, claim.namespace, claim.name, edit, pods.CONTROLLER)
        known = self._cluster.find(CLAIM, claim.namespace, claim.name)
        capacity: JsonObject = dict(size) if isinstance(size, dict) else {}
        status: JsonObject = {"phase": "Bound", "accessModes": claim.at("spec", "accessModes"), "capacity": capacity}
        if known is not None:
            pods.write_status(self._cluster, CLAIM, known, status)

    def _wait(self, claim: KubeObject, happening: Happening, now: datetime) -> None:
        self._recorder.record(claim, happening, now)
        if claim.text("status", "phase") != "Pending":
            pods.write_status(self._cluster, CLAIM, claim, {"phase": "Pending"})


def _claims_of(pod: KubeObject) -> list[str]:
    volumes = pod.trees("spec", "volumes")
    return [name for each in volumes if (name := each.text("persistentVolumeClaim", "claimName"))]


def _is_bound(claim: KubeObject) -> bool:
    return claim.text("status", "phase") == "Bound"
