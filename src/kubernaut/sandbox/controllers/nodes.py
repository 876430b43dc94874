"""The node lifecycle: heartbeats that stay away, taints, and the eviction of pods that do not tolerate them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from kubernaut.domain.objects import Json, JsonObject, KubeObject
from kubernaut.sandbox.cluster import Cluster
from kubernaut.sandbox.controllers import pods
from kubernaut.sandbox.controllers.fitting import tolerates
from kubernaut.sandbox.kinds import LEASE, NODE, POD
from kubernaut.sandbox.kubelet.kubelets import LEASES
from kubernaut.sandbox.recorder import Recorder, normal, warning
from kubernaut.sandbox.shapes import section, set_condition, stamp
from kubernaut.sandbox.simulation import Key
from kubernaut.sandbox.storage import Change

GRACE = timedelta(seconds=50)
_PREFIX = "node.kubernetes.io/"
_SILENT = "Kubelet stopped posting node status."


class Nodes:
    """Watches heartbeats; keys are nodes."""

    watches = frozenset({NODE.key, LEASE.key})

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._recorder = Recorder(cluster, "node-controller")

    def affected(self, change: Change) -> Iterable[Key]:
        """The node, also for its lease."""
        view = change.stored.view
        return [("", view.name)] if change.kind is NODE or view.namespace == LEASES else []

    def reconcile(self, key: Key, now: datetime) -> datetime | None:
        """Marks the node by its last heartbeat and keeps its taints in step."""
        node = self._cluster.find(NODE, *key)
        if node is None:
            return None
        lease = self._cluster.find(LEASE, LEASES, node.name)
        renewed = (lease.time("spec", "renewTime") if lease else None) or node.created_at or now
        ready = node.condition("Ready")
        if now >= renewed + GRACE and (ready is None or ready.text("status") != "Unknown"):
            self._mark_silent(node, now)
            node = self._cluster.find(NODE, *key) or node
        self._keep_taints(node, now)
        return renewed + GRACE if now < renewed + GRACE else None

    def _mark_silent(self, node: KubeObject, now: datetime) -> None:
        def edit(draft: JsonObject) -> None:
            for kind in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready"):
                known = node.condition(kind)
                condition: JsonObject = {
                    "type": kind,
                    "status": "Unknown",
                    "lastHeartbeatTime": known.text("lastHeartbeatTime") if known else stamp(now),
                    "lastTransitionTime": stamp(now),
                    "reason": "NodeStatusUnknown",
                    "message": _SILENT,
                }
                set_condition(section(draft, "status"), condition)

        self._cluster.change(NODE, "", node.name, edit, pods.CONTROLLER_STATUS)
        self._recorder.record(node, normal("NodeNotReady", f"Node {node.name} status is now: NodeNotReady"), now)
        for pod in self._cluster.storage.views(POD):
            if pod.text("spec", "nodeName") == node.name and pods.is_ready(pod):
                self._mark_pod(pod, now)

    def _mark_pod(self, pod: KubeObject, now: datetime) -> None:
        def edit(draft: JsonObject) -> None:
            condition: JsonObject = {
                "type": "Ready",
                "status": "False",
                "lastProbeTime": None,
                "lastTransitionTime": stamp(now),
            }
            set_condition(section(draft, "status"), condition)

        self._cluster.change(POD, pod.namespace, pod.name, edit, pods.CONTROLLER_STATUS)
        self._recorder.record(pod, warning("NodeNotReady", "Node is not ready"), now)

    def _keep_taints(self, node: KubeObject, now: datetime) -> None:
        wanted = _taints_of(node)
        present = [dict(taint.raw) for taint in node.trees("spec", "taints")]
        ours = [taint for taint in present if str(taint.get("key")).startswith(_PREFIX)]
        kept = [taint for taint in present if taint not in ours]
        if [{key: part for key, part in taint.items() if key != "timeAdded"} for taint in ours] == wanted:
            return
        taints: list[Json] = [*kept, *({**taint, "timeAdded": stamp(now)} for taint in wanted)]

        def edit(draft: JsonObject) -> None:
            spec = section(draft, "spec")
            if taints:
                spec["taints"] = taints
            else:
                spec.pop("taints", None)

        self._cluster.change(NODE, "", node.name, edit, pods.CONTROLLER)


def _taints_of(node: KubeObject) -> list[JsonObject]:
    """The taints that the node's cordon and its state ask for."""
    wanted: list[JsonObject] = []
    if node.flag("spec", "unschedulable"):
        wanted.append({"key": f"{_PREFIX}unschedulable", "effect": "NoSchedule"})
    ready = node.condition("Ready")
    value = ready.text("status") if ready else "False"
    if value != "True":
        name = f"{_PREFIX}{'unreachable' if value == 'Unknown' else 'not-ready'}"
        wanted += [{"key": name, "effect": "NoSchedule"}, {"key": name, "effect": "NoExecute"}]
    return wanted


class TaintEvictions:
    """Deletes pods from nodes with a NoExecute taint once their toleration has run out."""

    watches = frozenset({NODE.key, POD.key})

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._recorder = Recorder(cluster, "taint-eviction-controller")

    def affected(self, change: Change) -> Iterable[Key]:
        """The pod, or all pods of the node whose taints changed."""
        view = change.stored.view
        if change.kind is POD:
            moved = change.before is None or not change.before.view.text("spec", "nodeName")
            return [pods.key_of(view)] if moved and view.text("spec", "nodeName") else []
        if change.before and change.before.view.at("spec", "taints") == view.at("spec", "taints"):
            return []
        found = self._cluster.storage.views(POD)
        return [pods.key_of(pod) for pod in found if pod.text("spec", "nodeName") == view.name]

    def reconcile(self, key: Key, now: datetime) -> datetime | None:
        """Deletes the pod, or gives when its toleration runs out."""
        pod = self._cluster.find(POD, *key)
        node = self._cluster.find(NODE, "", pod.text("spec", "nodeName")) if pod else None
        if pod is None or node is None or pods.is_terminating(pod):
            return None
        due: datetime | None = None
        for taint in node.trees("spec", "taints"):
            if taint.text("effect") != "NoExecute":
                continue
            moment = self._leaves_at(pod, taint.time("timeAdded") or now, dict(taint.raw))
            if moment is not None:
                due = moment if due is None else min(due, moment)
        if due is None or due > now:
            return due
        text = f"Marking for deletion Pod {pod.namespace}/{pod.name}"
        self._recorder.record(pod, normal("TaintManagerEviction", text), now)
        self._cluster.delete(POD, pod.namespace, pod.name, pods.CONTROLLER)
        return None

    def _leaves_at(self, pod: KubeObject, since: datetime, taint: JsonObject) -> datetime | None:
        tree = KubeObject(taint)
        if not tolerates(pod, tree):
            return since
        seconds = [
            item.integer("tolerationSeconds")
            for item in pod.trees("spec", "tolerations")
            if item.has("tolerationSeconds") and item.text("key") in ("", tree.text("key"))
        ]
        return since + timedelta(seconds=min(seconds)) if seconds else None
