"""The whole simulated system without a server: cluster, hidden world, controllers, kubelets."""

from __future__ import annotations

from kubernaut.domain.objects import JsonObject
from kubernaut.ports import Clock
from kubernaut.sandbox.applications import Misfortune, World
from kubernaut.sandbox.cluster import By, Cluster
from kubernaut.sandbox.controllers.claims import Claims
from kubernaut.sandbox.controllers.daemon_sets import DaemonSets
from kubernaut.sandbox.controllers.deployments import Deployments
from kubernaut.sandbox.controllers.endpoint_slices import EndpointSlices
from kubernaut.sandbox.controllers.housekeeping import Budgets, EventExpiry, Garbage, Namespaces, Quotas
from kubernaut.sandbox.controllers.jobs import Jobs
from kubernaut.sandbox.controllers.nodes import Nodes, TaintEvictions
from kubernaut.sandbox.controllers.replica_sets import ReplicaSets
from kubernaut.sandbox.controllers.scheduling import Scheduler
from kubernaut.sandbox.controllers.stateful_sets import StatefulSets
from kubernaut.sandbox.kinds import NAMESPACE, NODE
from kubernaut.sandbox.kubelet.kubelets import Kubelets
from kubernaut.sandbox.kubelet.pod_status import node_address
from kubernaut.sandbox.rest.discovery import VERSION
from kubernaut.sandbox.shapes import stamp
from kubernaut.sandbox.simulation import Simulation

_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_BOOTSTRAP = By("kube-apiserver")


class Universe:
    """Everything that happens, driven by `simulation`."""

    def __init__(self, clock: Clock, *, nodes: int = 3, seed: int = 7) -> None:
        self.clock = clock
        self.cluster = Cluster(clock, seed=seed)
        self.world = World(changed=self._touch_pods)
        self.kubelets = Kubelets(self.cluster, self.world)
        self.simulation = Simulation(
            self.cluster.storage,
            [
                Namespaces(self.cluster),
                Deployments(self.cluster),
                ReplicaSets(self.cluster),
                StatefulSets(self.cluster),
                DaemonSets(self.cluster),
                Jobs(self.cluster),
                Claims(self.cluster),
                Scheduler(self.cluster),
                self.kubelets,
                EndpointSlices(self.cluster),
                Nodes(self.cluster),
                TaintEvictions(self.cluster),
                Quotas(self.cluster),
                Budgets(self.cluster),
                Garbage(self.cluster),
                EventExpiry(self.cluster),
            ],
        )
        for name in _NAMESPACES:
            self.cluster.create(NAMESPACE, "", {"metadata": {"name": name}}, _BOOTSTRAP)
        for number in range(1, nodes + 1):
            self.add_node(f"worker-{number}")

    def add_node(self, name: str, *, cpu: str = "8", memory: str = "16Gi") -> None:
        """Adds a node, ready at once."""
        room: JsonObject = {"cpu": cpu, "memory": memory, "pods": "110", "ephemeral-storage": "100Gi"}
        labels: JsonObject = {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            "topology.kubernetes.io/zone": f"zone-{'abc'[len(name) % 3]}",
        }
        ready: JsonObject = {
            "type": "Ready",
            "status": "True",
            "lastHeartbeatTime": stamp(self.clock.now()),
            "lastTransitionTime": stamp(self.clock.now()),
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
        }
        addresses: list[JsonObject] = [
            {"type": "InternalIP", "address": node_address(name)},
            {"type": "Hostname", "address": name},
        ]
        status: JsonObject = {
            "capacity": room,
            "allocatable": room,
            "conditions": [ready],
            "addresses": [*addresses],
            "nodeInfo": {"kubeletVersion": VERSION, "operatingSystem": "linux", "architecture": "amd64"},
        }
        body: JsonObject = {"metadata": {"name": name, "labels": labels}, "spec": {}, "status": status}
        self.cluster.create(NODE, "", body, By("kubelet"))

    def stop_node(self, name: str) -> None:
        """The node's kubelet goes silent."""
        self.kubelets.stop(name)

    def start_node(self, name: str) -> None:
        """The node's kubelet is back."""
        for key in self.kubelets.start(name):
            self.simulation.mark(self.kubelets, key)

    def strike(self, image: str, misfortune: Misfortune) -> None:
        """Lets something happen to the running containers of an image; the API shows only its effects."""
        self.world.strike(image, misfortune)

    def _touch_pods(self) -> None:
        for key in self.kubelets.pod_keys():
            self.simulation.mark(self.kubelets, key)
