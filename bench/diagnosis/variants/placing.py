"""Rows 18 to 34: where pods find no place, for other reasons within the pod, for some of them, or for other kinds."""

from __future__ import annotations

from bench.diagnosis.cases import SCALED, Aim, Policy, about
from bench.diagnosis.faults.storage import mounting
from bench.diagnosis.system import TEAM, System, first, pod_spec, ref
from bench.diagnosis.variants.outfits import (
    PENDING,
    of_companion,
    of_first_step,
    of_run,
    once,
    scheduled,
    spec_of,
    symptom,
    task,
    template,
    variant,
    with_companion,
    with_first_step,
)
from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.deletion import Deletion
from kubernaut.sandbox.kinds import NODE, POD, STATEFUL_SET
from kubernaut.sandbox.shapes import section

_STUCK = f"{PENDING} KubeDeploymentRolloutStuck"
_FOR_PEOPLE = (Verdict.ESCALATE, Verdict.APPROVE)


@variant(18, "insufficient_resources", Policy.ACT, alerts=_STUCK, prepare=with_first_step, kinds=SCALED)
def first_step_wants_more_than_a_node(system: System) -> None:
    """The pod's own containers are small."""
    system.apply(of_first_step(resources={"requests": {"cpu": "24", "memory": "64Mi"}, "limits": {"memory": "96Mi"}}))


@variant(19, "insufficient_resources", Policy.ACT, alerts=_STUCK, prepare=with_companion, kinds=SCALED)
def companion_wants_more_than_a_node(system: System) -> None:
    system.apply(of_companion(resources={"requests": {"cpu": "20m", "memory": "48Gi"}, "limits": {"memory": "48Gi"}}))


@variant(
    20,
    "unschedulable_node_selector",
    Policy.ACT,
    alerts="KubeDaemonSetNotScheduled KubeDaemonSetRolloutStuck",
    kinds=("DaemonSet",),
)
def daemon_for_no_node(system: System) -> None:
    """A DaemonSet that fits on no node wants no pod: there is none, and no event."""
    system.apply(pod_spec(nodeSelector={"node-role.example.com/edge": "true"}))


@variant(
    20,
    "unschedulable_node_selector",
    Policy.ACT,
    alerts="KubeServiceWithoutEndpoints BlackboxProbeFailed",
    kinds=("DaemonSet",),
)
def daemon_for_no_node_under_a_service_alert(system: System) -> Aim:
    system.apply(pod_spec(nodeSelector={"kubernetes.io/arch": "arm64"}))
    return symptom(system, "Service")


@variant(
    20, "unschedulable_node_selector", Policy.ACT, alerts="KubeJobNotCompleted", kinds=("Job",), verdicts=_FOR_PEOPLE
)
def work_for_no_node(system: System) -> Aim:
    return about(once(system, template(task(system), nodeSelector={"disk": system.names.word()})))


@variant(
    21,
    "unschedulable_node_selector",
    Policy.ACT,
    alerts="KubeJobNotCompleted",
    kinds=("CronJob",),
    verdicts=_FOR_PEOPLE,
)
def run_for_no_node(system: System) -> Aim:
    term: JsonObject = {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "NotIn", "values": ["linux"]}]}
    asked: JsonObject = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    return of_run(*scheduled(system, template(task(system), affinity={"nodeAffinity": asked})))


@variant(22, "unschedulable_taint", Policy.APPROVE, alerts=PENDING, kinds=SCALED)
def one_pod_comes_after_the_taint(system: System) -> None:
    """The nodes are tainted, what runs stays, and only the pod that has to start anew finds no place."""
    taint: JsonObject = {"key": system.names.word(), "value": "yes", "effect": "NoSchedule"}
    for name in system.nodes:
        system.change(NODE, "", name, lambda item: section(item, "spec").update(taints=[taint]), By("kubectl-taint"))
    pod = system.pods()[-1]
    system.cluster.delete(POD, pod.namespace, pod.name, By("kubectl"), Deletion())


def _one_a_node(system: System) -> None:
    """As many pods as nodes, each on its own, and no pod may be missing during an update."""
    rule: JsonObject = {
        "labelSelector": {"matchLabels": system.target.labels()},
        "topologyKey": "kubernetes.io/hostname",
    }
    apart: JsonObject = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}}

    def edit(manifest: JsonObject) -> None:
        section(manifest, "spec")["replicas"] = len(system.nodes)
        rolling: JsonObject = {"maxSurge": 0, "maxUnavailable": 1}
        section(manifest, "spec")["strategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
        spec_of(manifest)["affinity"] = apart

    system.dress(edit)


@variant(23, "unschedulable_pod_affinity", Policy.ACT, alerts=_STUCK, prepare=_one_a_node, kinds=("Deployment",))
def update_has_no_node_left(system: System) -> None:
    """The new pod of the update must share a node with a former one, and may not; the former ones serve on."""

    def edit(manifest: JsonObject) -> None:
        rolling: JsonObject = {"maxSurge": 1, "maxUnavailable": 0}
        section(manifest, "spec")["strategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
        first(manifest)["image"] = image

    image = system.publish(system.image(), system.target.application())
    system.apply(edit)


@variant(24, "nodes_cordoned", Policy.APPROVE, alerts="BlackboxProbeFailed KubeServiceWithoutEndpoints", kinds=SCALED)
def cordoned_under_a_service_alert(system: System) -> Aim:
    for name in system.nodes:
        system.change(
            NODE, "", name, lambda item: section(item, "spec").update(unschedulable=True), By("kubectl-cordon")
        )
    system.recreate_pods()
    return symptom(system, "Service", system.target.ref, *(ref("v1", "Node", "", name) for name in system.nodes))


@variant(25, "host_port_taken", Policy.ACT, alerts=_STUCK, prepare=with_companion, kinds=SCALED)
def companions_take_each_others_port(system: System) -> None:
    """More pods than nodes, and each companion wants the same port of its node."""
    system.scale(len(system.nodes) + 2)
    system.wait(2)
    system.apply(of_companion(ports=[{"name": "metrics", "containerPort": 9102, "hostPort": 9102}]), live=True)


@variant(27, "claim_missing", Policy.ACT, alerts=PENDING, kinds=("Deployment", "DaemonSet"))
def second_volume_of_another_name(system: System) -> None:
    """Two volumes; the second one, mounted below a path, names a claim that was never made."""
    kept = system.names.word()
    size: JsonObject = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "5Gi"}}}
    system.create("v1", "PersistentVolumeClaim", system.namespace, {"metadata": {"name": kept}, "spec": size})
    mounts: list[Json] = [
        {"name": "records", "mountPath": "/srv", "subPath": "records"},
        {"name": "pages", "mountPath": "/pages"},
    ]
    other: JsonObject = {"name": "pages", "persistentVolumeClaim": {"claimName": f"{kept}-pages"}}

    def edit(manifest: JsonObject) -> None:
        spec_of(manifest)["volumes"] = [mounting(kept), other]
        first(manifest)["volumeMounts"] = mounts

    system.apply(edit)


@variant(
    28,
    "storage_class_missing",
    Policy.APPROVE,
    alerts="KubeStatefulSetReplicasMismatch KubePodNotReady",
    kinds=("StatefulSet",),
)
def set_of_a_class_not_there(system: System) -> Aim:
    """A new StatefulSet whose claims name a class that this cluster does not have."""
    name = system.names.store()
    size: JsonObject = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}
    claim: JsonObject = {
        "metadata": {"name": "records"},
        "spec": {**size, "storageClassName": f"{system.names.word()}-ssd"},
    }
    labels: JsonObject = {"app": name}
    own: JsonObject = {"name": "store", "image": system.store.image, "env": [*system.store.environment()]}
    own["volumeMounts"] = [{"name": "records", "mountPath": "/var/lib/records"}]
    pod: JsonObject = {"metadata": {"labels": labels}, "spec": {"containers": [own]}}
    spec: JsonObject = {"replicas": 3, "serviceName": name, "selector": {"matchLabels": labels}, "template": pod}
    body: JsonObject = {"metadata": {"name": name}, "spec": {**spec, "volumeClaimTemplates": [claim]}}
    system.cluster.create(STATEFUL_SET, system.namespace, body, TEAM)
    mine = ref("apps/v1", "StatefulSet", system.namespace, name)
    return about(mine, ref("v1", "PersistentVolumeClaim", system.namespace, f"records-{name}-0"))


@variant(33, "volume_on_other_node", Policy.ACT, alerts=PENDING, kinds=("Deployment",))
def volume_on_one_node_and_affinity_to_another(system: System) -> None:
    """The pod is sent to another node by a required affinity, not by a selector."""
    here, there = system.nodes[:2]
    name, claim = system.names.word(), system.names.word()
    on: JsonObject = {"key": "kubernetes.io/hostname", "operator": "In", "values": [here]}
    volume: JsonObject = {
        "capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteMany"], "hostPath": {"path": "/srv"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [on]}]}},
    }  # fmt: skip
    system.create(
        "v1", "PersistentVolume", "", {"metadata": {"name": name}, "spec": volume, "status": {"phase": "Available"}}
    )
    spec: JsonObject = {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "5Gi"}},
        "storageClassName": "",
    }
    system.create("v1", "PersistentVolumeClaim", system.namespace, {"metadata": {"name": claim}, "spec": spec})
    system.dress(pod_spec(volumes=[mounting(claim)]))
    system.wait(4)
    other: JsonObject = {"key": "kubernetes.io/hostname", "operator": "In", "values": [there]}
    term: JsonObject = {"nodeSelectorTerms": [{"matchExpressions": [other]}]}
    system.apply(pod_spec(affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": term}}))


@variant(
    103,
    "node_not_ready",
    Policy.APPROVE,
    alerts="KubeStatefulSetReplicasMismatch KubePodNotReady KubeServiceWithoutEndpoints",
    kinds=SCALED,
)
def node_silent_under_a_workload_alert(system: System) -> Aim:
    """The alert names the workload whose pods were on the node that went silent."""
    node = system.pods()[0].text("spec", "nodeName")
    system.universe.stop_node(node)
    return Aim(about(system.target.ref).labels, (ref("v1", "Node", "", node),))
