"""Rows 18 to 26, 36, 37: pods that no node takes, or that nobody places."""

from __future__ import annotations

from bench.diagnosis.cases import SCALED, Aim, Policy, about, fault
from bench.diagnosis.system import System, first, pod_spec, ref
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.controllers.daemon_sets import DaemonSets
from kubernaut.sandbox.controllers.deployments import Deployments
from kubernaut.sandbox.controllers.replica_sets import ReplicaSets
from kubernaut.sandbox.controllers.scheduling import Scheduler
from kubernaut.sandbox.controllers.stateful_sets import StatefulSets
from kubernaut.sandbox.deletion import Deletion
from kubernaut.sandbox.kinds import NODE, POD, PRIORITY_CLASS
from kubernaut.sandbox.recorder import normal
from kubernaut.sandbox.shapes import section

_PENDING = "KubePodNotReady KubeDeploymentReplicasMismatch KubePodCrashLooping"


@fault(18, "insufficient_resources", Policy.ACT, alerts=_PENDING, kinds=SCALED)
def cpu_of_no_node(system: System) -> None:
    cpu = system.names.one("12", "16", "9500m")

    def edit(manifest: JsonObject) -> None:
        resources = section(first(manifest), "resources")
        section(resources, "requests")["cpu"] = cpu
        section(resources, "limits")["cpu"] = cpu

    system.apply(edit)


@fault(19, "insufficient_resources", Policy.ACT, alerts=_PENDING, kinds=SCALED)
def memory_of_no_node(system: System) -> None:
    memory = system.names.one("24Gi", "32Gi")

    def edit(manifest: JsonObject) -> None:
        resources = section(first(manifest), "resources")
        section(resources, "requests")["memory"] = memory
        section(resources, "limits")["memory"] = memory

    system.apply(edit)


@fault(20, "unschedulable_node_selector", Policy.ACT, alerts=_PENDING, kinds=SCALED)
def selector_of_no_node(system: System) -> None:
    key = system.names.one("kubernetes.io/hostname", "disktype", "pool")
    system.apply(pod_spec(nodeSelector={key: system.names.word()}))


@fault(21, "unschedulable_node_selector", Policy.ACT, alerts=_PENDING, kinds=SCALED)
def affinity_to_no_node(system: System) -> None:
    zone: JsonObject = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [system.names.word()]}
    term: JsonObject = {"nodeSelectorTerms": [{"matchExpressions": [zone]}]}
    path = "requiredDuringSchedulingIgnoredDuringExecution"
    system.apply(pod_spec(affinity={"nodeAffinity": {path: term}}))


@fault(22, "unschedulable_taint", Policy.APPROVE, alerts=_PENDING, kinds=SCALED)
def nodes_tainted(system: System) -> None:
    taint: JsonObject = {"key": system.names.word(), "value": system.names.word(), "effect": "NoSchedule"}
    for name in system.nodes:
        system.change(NODE, "", name, lambda item: section(item, "spec").update(taints=[taint]), By("kubectl-taint"))
    system.recreate_pods()


@fault(23, "unschedulable_pod_affinity", Policy.ACT, alerts=_PENDING, kinds=SCALED)
def one_pod_a_node(system: System) -> None:
    labels: JsonObject = {"matchLabels": system.target.labels()}
    rule: JsonObject = {"labelSelector": labels, "topologyKey": "kubernetes.io/hostname"}
    apart: JsonObject = {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}
    system.apply(pod_spec(affinity={"podAntiAffinity": apart}))
    system.wait(1)
    system.scale(len(system.nodes) + 1)


@fault(24, "nodes_cordoned", Policy.APPROVE, alerts=_PENDING, kinds=SCALED)
def all_nodes_cordoned(system: System) -> Aim:
    for name in system.nodes:
        system.change(
            NODE, "", name, lambda item: section(item, "spec").update(unschedulable=True), By("kubectl-cordon")
        )
    system.recreate_pods()
    nodes = [ref("v1", "Node", "", name) for name in system.nodes]
    return Aim(about(system.target.ref).labels, (system.target.ref, *nodes))


@fault(25, "host_port_taken", Policy.ACT, alerts=_PENDING, kinds=SCALED)
def port_of_the_host_taken(system: System) -> None:
    port = 9100
    agent = system.neighbours[0]
    body: JsonObject = {
        "metadata": {"name": f"{agent.name}-agent"},
        "spec": {
            "selector": {"matchLabels": {"agent": agent.name}},
            "template": {
                "metadata": {"labels": {"agent": agent.name}},
                "spec": {
                    "containers": [
                        {"name": "agent", "image": system.store.image, "env": [*system.store.environment()],
                         "ports": [{"containerPort": system.store.port, "hostPort": port}]}
                    ]
                },
            },
        },
    }  # fmt: skip
    system.create("apps/v1", "DaemonSet", system.namespace, body)
    system.wait(3)
    wanted: list[Json] = [{"name": "http", "containerPort": system.target.port, "hostPort": port}]
    system.apply(lambda item: first(item).update(ports=wanted))


@fault(26, "preempted", Policy.APPROVE, alerts=_PENDING, kinds=("Deployment",), written=True)
def others_came_first(system: System) -> None:
    """The sandbox's scheduler does not preempt: the victims' events and deletion are written as it leaves them."""
    name = system.names.word()
    greedy = system.neighbours[0]
    body: JsonObject = {"metadata": {"name": name}, "value": 100000, "globalDefault": True}
    system.cluster.create(PRIORITY_CLASS, "", body, By("kubectl-create"))

    def grow(manifest: JsonObject) -> None:
        # Together with a pod of the target it is more than a node has: where one of them is, the other is not.
        section(first(manifest), "resources")["requests"] = {"cpu": "7100m", "memory": "64Mi"}
        section(first(manifest), "resources")["limits"] = {"cpu": "8", "memory": greedy.memory}
        section(manifest, "spec")["replicas"] = len(system.nodes)
        section(manifest, "spec")["strategy"] = {"type": "Recreate"}
        section(manifest, "spec", "template", "spec")["priorityClassName"] = name
        section(manifest, "spec", "template", "spec")["priority"] = 100000

    def demand(manifest: JsonObject) -> None:
        section(first(manifest), "resources")["requests"] = {"cpu": "4200m", "memory": "64Mi"}
        section(first(manifest), "resources")["limits"] = {"cpu": "5", "memory": system.target.memory}
        section(manifest, "spec")["replicas"] = 2

    system.apply(demand)
    system.wait(4)
    system.apply(grow, greedy)
    system.wait(1)
    chosen = next(iter(pod for pod in system.pods(greedy)), None)
    text = f"Preempted by pod {chosen.uid if chosen else ''} on node "
    for pod in system.pods():
        system.say("default-scheduler", pod, normal("Preempted", text + pod.text("spec", "nodeName")))
        system.cluster.delete(POD, pod.namespace, pod.name, By("kube-scheduler"), Deletion(grace_s=1))


@fault(36, "scheduler_silent", Policy.ESCALATE, alerts=_PENDING, kinds=SCALED)
def scheduler_stopped(system: System) -> None:
    system.wait(1)
    system.stop("kube-scheduler", Scheduler)
    system.recreate_pods()


@fault(
    37, "controllers_silent", Policy.ESCALATE, alerts="KubeDeploymentGenerationMismatch KubeDeploymentReplicasMismatch"
)
def controllers_stopped(system: System) -> None:
    system.wait(1)
    system.stop("kube-controller-manager", Deployments, ReplicaSets, StatefulSets, DaemonSets)
    system.apply(lambda item: first(item).update(args=[f"--listen=:{system.target.port}", "--workers=4"]))
