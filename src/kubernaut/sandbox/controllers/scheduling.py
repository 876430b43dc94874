"""The scheduler: binds pending pods to nodes, or says why it cannot."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.domain.quantities import amount
from kubernaut.sandbox.cluster import By, Cluster
from kubernaut.sandbox.controllers import pods
from kubernaut.sandbox.controllers.claims import VOLUME
from kubernaut.sandbox.controllers.fitting import Load, reasons_against, refusal_message, requests_of
from kubernaut.sandbox.kinds import CLAIM, NODE, POD
from kubernaut.sandbox.recorder import Recorder, normal, warning
from kubernaut.sandbox.shapes import section, set_condition, stamp
from kubernaut.sandbox.simulation import Key
from kubernaut.sandbox.storage import Change

_SCHEDULER = By("kube-scheduler")
_SCHEDULER_STATUS = By("kube-scheduler", "status")
_NO_LOAD = Load()
_REPEAT = timedelta(minutes=5)


class Scheduler:
    """Looks at a pending pod when it appears, and at all that wait whenever room may have come up."""

    watches = frozenset({POD.key, NODE.key, CLAIM.key})

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._recorder = Recorder(cluster, "default-scheduler")
        self._waiting: dict[Key, tuple[str, datetime]] = {}
        self._loads: dict[str, Load] = {}

    def affected(self, change: Change) -> Iterable[Key]:
        """The pod; every waiting pod where a pod went or a node or claim changed."""
        view = change.stored.view
        if change.kind is POD:
            self._follow(change)
        if change.kind is POD and change.type != "DELETED":
            return [] if view.text("spec", "nodeName") else [pods.key_of(view)]
        # A heartbeat writes the node every few seconds, and gives no pod more room.
        if change.kind is NODE and change.before and _room(change.before.view) == _room(view):
            return []
        return list(self._waiting)

    def reconcile(self, key: Key, now: datetime) -> datetime | None:
        """Binds the pod, or notes why not and looks again after five minutes."""
        pod = self._cluster.find(POD, *key)
        if pod is None or pod.text("spec", "nodeName") or not pods.is_active(pod):
            self._waiting.pop(key, None)
            return None
        nodes = sorted(self._cluster.storage.views(NODE), key=lambda node: node.name)
        missing = self._missing_claim(pod)
        if missing:
            message = refusal_message([[] for _ in nodes], before_filters=missing)
            return self._refuse(pod, message, now)
        loads = {node.name: self._loads.get(node.name, _NO_LOAD) for node in nodes}
        volumes = self._volumes(pod)
        reasons = {node.name: reasons_against(pod, node, loads[node.name], volumes) for node in nodes}
        free = [node for node in nodes if not reasons[node.name]]
        if not free:
            return self._refuse(pod, refusal_message(list(reasons.values())), now)
        self._waiting.pop(key, None)
        # The name decides between equals, so that a play ends the same every time.
        best = max(free, key=lambda node: (_spare(pod, node, loads[node.name]), node.name))
        self._bind(pod, best.name, now)
        return None

    def _follow(self, change: Change) -> None:
        """Keeps the loads of the nodes in step, since adding them up for each pod would cost the square."""
        view = change.stored.view
        node = view.text("spec", "nodeName")
        gone = change.type == "DELETED" or view.text("status", "phase") in ("Succeeded", "Failed")
        if node and not gone:
            self._loads.setdefault(node, Load()).put(view)
        elif node:
            self._loads.setdefault(node, Load()).drop(view)

    def _missing_claim(self, pod: KubeObject) -> str:
        for volume in pod.trees("spec", "volumes"):
            name = volume.text("persistentVolumeClaim", "claimName")
            if not name:
                continue
            claim = self._cluster.find(CLAIM, pod.namespace, name)
            if claim is None:
                return f'persistentvolumeclaim "{name}" not found'
            if claim.text("status", "phase") != "Bound":
                return "pod has unbound immediate PersistentVolumeClaims"
        return ""

    def _volumes(self, pod: KubeObject) -> list[KubeObject]:
        names = [volume.text("persistentVolumeClaim", "claimName") for volume in pod.trees("spec", "volumes")]
        claims = [self._cluster.find(CLAIM, pod.namespace, name) for name in names if name]
        found = [self._cluster.find(VOLUME, "", claim.text("spec", "volumeName")) for claim in claims if claim]
        return [volume for volume in found if volume]

    def _refuse(self, pod: KubeObject, message: str, now: datetime) -> datetime:
        key = pods.key_of(pod)
        known = self._waiting.get(key)
        # The same refusal is told again only when the pod is looked at anew, after five minutes.
        if known and known[0] == message and now < known[1]:
            return known[1]
        again = now + _REPEAT
        self._waiting[key] = (message, again)
        self._recorder.record_series(pod, warning("FailedScheduling", message), now, action="Scheduling")

        def edit(draft: JsonObject) -> None:
            condition: JsonObject = {
                "type": "PodScheduled",
                "status": "False",
                "lastProbeTime": None,
                "lastTransitionTime": stamp(now),
                "reason": "Unschedulable",
                "message": message,
            }
            set_condition(section(draft, "status"), condition)

        self._cluster.change(POD, *key, edit, _SCHEDULER_STATUS)
        return again

    def _bind(self, pod: KubeObject, node: str, now: datetime) -> None:
        def bind(draft: JsonObject) -> None:
            section(draft, "spec")["nodeName"] = node

        def note(draft: JsonObject) -> None:
            condition: JsonObject = {
                "type": "PodScheduled",
                "status": "True",
                "lastProbeTime": None,
                "lastTransitionTime": stamp(now),
            }
            set_condition(section(draft, "status"), condition)

        self._cluster.change(POD, pod.namespace, pod.name, bind, _SCHEDULER)
        self._cluster.change(POD, pod.namespace, pod.name, note, _SCHEDULER_STATUS)
        text = f"Successfully assigned {pod.namespace}/{pod.name} to {node}"
        self._recorder.record_series(pod, normal("Scheduled", text), now, action="Binding")


def _room(node: KubeObject) -> object:
    return node.at("spec"), node.labels, node.at("status", "allocatable")


def _spare(pod: KubeObject, node: KubeObject, load: Load) -> tuple[int, float]:
    """Pods of one owner spread first, then the emptier node wins."""
    owner = pod.controller
    siblings = sum(1 for other in load.pods.values() if owner and other.controller == owner)
    cpu, memory = requests_of(pod)
    room = node.tree("status", "allocatable")
    used_cpu = (load.cpu + cpu) / (amount(room.at("cpu")) or 1)
    used_memory = (load.memory + memory) / (amount(room.at("memory")) or 1)
    return -siblings, -float(used_cpu + used_memory) - len(load.pods) / 1000
