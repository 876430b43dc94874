"""All kubelets of the cluster: pods on their nodes, leases, and the status of the nodes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from kubernaut.domain.objects import JsonObject, KubeObject
from kubernaut.sandbox.applications import World
from kubernaut.sandbox.cluster import By, Cluster
from kubernaut.sandbox.failures import Failure
from kubernaut.sandbox.kinds import LEASE, NODE, POD
from kubernaut.sandbox.kubelet.configuration import Configurations
from kubernaut.sandbox.kubelet.containers import Container
from kubernaut.sandbox.kubelet.host import Host
from kubernaut.sandbox.kubelet.logs import Log
from kubernaut.sandbox.kubelet.workers import PodWorker
from kubernaut.sandbox.recorder import Recorder
from kubernaut.sandbox.shapes import micro_stamp, section, set_condition, stamp
from kubernaut.sandbox.simulation import Key
from kubernaut.sandbox.storage import Change

LEASES = "kube-node-lease"
_HEARTBEAT = timedelta(seconds=10)
_HEALTHY = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


class Kubelets:
    """The kubelet of every node. Keys are those of pods, and (empty, node) for the heartbeat."""

    watches = frozenset({POD.key, NODE.key})

    def __init__(self, cluster: Cluster, world: World) -> None:
        self._cluster = cluster
        self._world = world
        self._hosts: dict[str, Host] = {}
        self._recorders: dict[str, Recorder] = {}
        self._workers: dict[Key, PodWorker] = {}
        self._stopped: set[str] = set()
        self._addresses = 0

    def affected(self, change: Change) -> Iterable[Key]:
        """The pod once it has a node; the node when it is new."""
        view = change.stored.view
        if change.kind is NODE:
            return [("", view.name)] if change.type == "ADDED" else []
        return [(view.namespace, view.name)] if view.text("spec", "nodeName") else []

    def reconcile(self, key: Key, now: datetime) -> datetime | None:
        """Syncs the pod, or beats the node's heart."""
        if not key[0]:
            return self._beat(key[1], now)
        pod = self._cluster.find(POD, *key)
        worker = self._workers.get(key)
        if pod is None or (worker and worker.uid != pod.uid):
            self._workers.pop(key, None)
            worker = None
        if pod is None:
            return None
        node = pod.text("spec", "nodeName")
        if node in self._stopped or self._cluster.find(NODE, "", node) is None:
            return None
        worker = worker or self._begin(key, pod, node)
        return worker.sync(pod, now)

    def _begin(self, key: Key, pod: KubeObject, node: str) -> PodWorker:
        host = self._hosts.setdefault(node, Host(self._world, Configurations(self._cluster)))
        recorder = self._recorders.setdefault(node, Recorder(self._cluster, "kubelet", host=node))
        self._addresses += 1
        number = 1 + sorted(item.name for item in self._cluster.storage.views(NODE)).index(node)
        address = f"10.244.{number}.{self._addresses % 250 + 2}"
        worker = self._workers[key] = PodWorker(self._cluster, host, recorder, pod, address)
        return worker

    def stop(self, node: str) -> None:
        """The node goes silent: no heartbeat and no pod is cared for."""
        self._stopped.add(node)

    def start(self, node: str) -> list[Key]:
        """The node is back; gives the keys that have to be looked at."""
        self._stopped.discard(node)
        on_node = [item for item in self._cluster.storage.views(POD) if item.text("spec", "nodeName") == node]
        return [("", node), *((item.namespace, item.name) for item in on_node)]

    def pod_keys(self) -> list[Key]:
        """The keys of all pods that run somewhere."""
        return list(self._workers)

    def listens_on(self, pod: KubeObject, port: int, now: datetime) -> bool:
        """Whether a connection to that port of the pod would be taken."""
        worker = self._workers.get((pod.namespace, pod.name))
        silent = pod.text("spec", "nodeName") in self._stopped
        return worker is not None and not silent and worker.listens_on(port, now)

    def find_log(self, pod: KubeObject, container: str, *, previous: bool) -> Log:
        """The log; raises a 400 failure where there is none."""
        worker = self._workers.get((pod.namespace, pod.name))
        found = worker.container(container) if worker else None
        log = _last_log(found) if previous else _present_log(found, container, pod.name)
        if log is None:
            text = f'previous terminated container "{container}" in pod "{pod.name}" not found'
            raise Failure(400, "BadRequest", text)
        return log

    def _beat(self, name: str, now: datetime) -> datetime | None:
        node = self._cluster.find(NODE, "", name)
        if node is None or name in self._stopped:
            return None
        self._renew_lease(node, now)
        ready = node.condition("Ready")
        if ready is None or ready.text("status") != "True":
            self._report_healthy(node, now)
        return now + _HEARTBEAT

    def _renew_lease(self, node: KubeObject, now: datetime) -> None:
        by = By("kubelet")
        spec: JsonObject = {"holderIdentity": node.name, "leaseDurationSeconds": 40, "renewTime": micro_stamp(now)}
        if self._cluster.storage.get(LEASE, LEASES, node.name) is None:
            self._cluster.create(LEASE, LEASES, {"metadata": {"name": node.name}, "spec": spec}, by)
            return

        def edit(draft: JsonObject) -> None:
            draft["spec"] = spec

        self._cluster.change(LEASE, LEASES, node.name, edit, by)

    def _report_healthy(self, node: KubeObject, now: datetime) -> None:
        def edit(draft: JsonObject) -> None:
            status = section(draft, "status")
            for kind, value, reason, message in _HEALTHY:
                condition: JsonObject = {
                    "type": kind,
                    "status": value,
                    "lastHeartbeatTime": stamp(now),
                    "lastTransitionTime": stamp(now),
                    "reason": reason,
                    "message": message,
                }
                set_condition(status, condition)

        self._cluster.change(NODE, "", node.name, edit, By("kubelet", "status"))


def _present_log(found: Container | None, container: str, pod: str) -> Log | None:
    if found is not None and found.serial:
        return found.log
    reason = found.state.waiting[0] if found else "ContainerCreating"
    if "Pull" in reason:
        image = found.spec.text("image") if found else ""
        reason = f"trying and failing to pull image ({image})"
    raise Failure(400, "BadRequest", _waiting(container, pod, reason))


def _last_log(found: Container | None) -> Log | None:
    if found is None:
        return None
    # While it waits to be started again, what ended is the present run.
    return found.previous_log if found.state.running or found.state.terminated else found.log


def _waiting(container: str, pod: str, reason: str) -> str:
    return f'container "{container}" in pod "{pod}" is waiting to start: {reason}'
