"""A second helping of all families, written when the rules had been mended for the first."""

from __future__ import annotations

from dataclasses import replace

from bench.diagnosis.cases import NOTHING_LEFT, SCALED, Aim, Policy, about
from bench.diagnosis.system import TEAM, System, container, first, pod_spec, ref
from bench.diagnosis.variants.outfits import (
    CRASH,
    PENDING,
    PULL,
    SERVICE,
    before,
    beside,
    of_companion,
    spec_of,
    symptom,
    variant,
    with_companion,
    with_first_step,
    with_native_companion,
)
from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import JsonObject, ObjectRef
from kubernaut.sandbox.applications import MEBIBYTE, Application, Listener
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.deletion import Deletion
from kubernaut.sandbox.kinds import NODE, POD, REPLICA_SET, RESOURCE_QUOTA, SECRET
from kubernaut.sandbox.scenarios.manifests import apply_manifest
from kubernaut.sandbox.shapes import entries, section

_NETWORKING = "networking.k8s.io/v1"
_RBAC = "rbac.authorization.k8s.io"
_FOR_PEOPLE = (Verdict.ESCALATE, Verdict.APPROVE)
_PUT_BACK = (Verdict.ACT, Verdict.APPROVE, Verdict.ESCALATE)


def _service(system: System) -> ObjectRef:
    return ref("v1", "Service", system.namespace, system.target.name)


@variant(63, "crash_without_change", Policy.ESCALATE, alerts=CRASH, kinds=("ReplicaSet",))
def single_set_ends_itself(system: System) -> Aim:
    """A ReplicaSet without a Deployment: nothing to go back to."""
    name, image = system.names.workload(), system.publish(system.image(name="legacy"), Application())
    labels: JsonObject = {"app": name}
    own: JsonObject = {"name": "main", "image": image}
    pod: JsonObject = {"metadata": {"labels": labels}, "spec": {"containers": [own]}}
    spec: JsonObject = {"replicas": 2, "selector": {"matchLabels": labels}, "template": pod}
    system.cluster.create(REPLICA_SET, system.namespace, {"metadata": {"name": name}, "spec": spec}, TEAM)
    system.wait(6)
    program = replace(system.target, name="legacy", tag=image.rpartition(":")[2])
    system.strike(2, "panic: assignment to entry in nil map", program=program)
    return about(ref("apps/v1", "ReplicaSet", system.namespace, name))


@variant(
    54,
    "memory_limit_too_low",
    Policy.ACT,
    alerts="KubePodNotReady KubernetesContainerOomKiller",
    prepare=with_native_companion,
)
def native_companion_outgrew_its_limit(system: System) -> None:
    image = before(dict(system.workload.raw))["image"]
    system.universe.world.outgrow(str(image), 96 * MEBIBYTE)


@variant(78, "service_port_wrong", Policy.ACT, alerts="BlackboxProbeFailed", prepare=with_companion)
def sent_to_the_companions_port(system: System) -> Aim:
    """The port exists and answers: it is the companion's."""
    system.edit_service(lambda item: entries(item, "spec", "ports")[0].update(targetPort=9102))
    return about(_service(system))


@variant(83, "service_missing dependency_address_wrong", Policy.ACT, alerts=CRASH)
def namespace_left_out_of_the_address(system: System) -> None:
    """What it calls since the release is in another namespace, and the address says only its name."""
    far = system.neighbours[1]

    def edit(item: JsonObject) -> None:
        kept = [each for each in entries(first(item), "env") if each.get("name") != "UPSTREAM_ADDR"]
        first(item)["env"] = [*kept, {"name": "UPSTREAM_ADDR", "value": f"http://{far.name}:80"}]

    system.apply(edit)


@variant(84, "ingress_misrouted", Policy.ACT, alerts="BlackboxProbeFailed", verdicts=_PUT_BACK)
def default_backend_of_no_service(system: System) -> Aim:
    """Only the default backend, for what no path matches, leads nowhere."""
    body: JsonObject = {"metadata": {"name": "nginx"}, "spec": {"controller": "k8s.io/ingress-nginx"}}
    system.create(_NETWORKING, "IngressClass", "", body)
    path: JsonObject = {
        "path": "/api", "pathType": "Prefix",
        "backend": {"service": {"name": system.target.name, "port": {"number": 80}}},
    }  # fmt: skip
    spec: JsonObject = {
        "ingressClassName": "nginx", "rules": [{"http": {"paths": [path]}}],
        "defaultBackend": {"service": {"name": f"{system.target.name}-pages", "port": {"number": 80}}},
    }  # fmt: skip
    metadata: JsonObject = {"name": system.target.name, "namespace": system.namespace}
    apply_manifest(system.cluster, {"apiVersion": _NETWORKING, "kind": "Ingress", "metadata": metadata, "spec": spec})
    return about(ref(_NETWORKING, "Ingress", system.namespace, system.target.name))


@variant(90, "pod_dns_wrong", Policy.ACT, alerts=CRASH)
def network_of_the_host(system: System) -> None:
    """On the host's network the pod asks the host's resolver, unless its policy says ClusterFirstWithHostNet."""
    system.apply(lambda item: spec_of(item).update(hostNetwork=True))


@variant(20, "unschedulable_node_selector", Policy.ACT, alerts=PENDING, kinds=SCALED, verdicts=_FOR_PEOPLE)
def nodes_lose_their_label(system: System) -> None:
    """The template is as it was for long; the nodes were made anew without their label."""
    for name in system.nodes:
        system.change(NODE, "", name, lambda item: section(item, "metadata", "labels").update(pool="main"), By("cloud"))
    system.dress(pod_spec(nodeSelector={"pool": "main"}))
    system.wait(15)
    for name in system.nodes:
        system.change(NODE, "", name, lambda item: section(item, "metadata", "labels").update(pool="spot"), By("cloud"))
    system.recreate_pods()


@variant(22, "unschedulable_taint", Policy.APPROVE, alerts=PENDING, kinds=SCALED)
def nodes_tainted_to_be_emptied(system: System) -> None:
    """A taint that also drives out what runs."""
    taint: JsonObject = {"key": system.names.word(), "effect": "NoExecute"}
    for name in system.nodes:
        system.change(NODE, "", name, lambda item: section(item, "spec").update(taints=[taint]), By("kubectl-taint"))


@variant(
    18,
    "insufficient_resources",
    Policy.ACT,
    alerts=f"{PENDING} KubeDeploymentRolloutStuck",
    prepare=with_companion,
    kinds=SCALED,
)
def together_more_than_a_node(system: System) -> None:
    """Each container alone would fit."""

    def edit(item: JsonObject) -> None:
        for one in (first(item), beside(item)):
            one["resources"] = {
                "requests": {"cpu": "4500m", "memory": "64Mi"},
                "limits": {"cpu": "5", "memory": "256Mi"},
            }

    system.apply(edit)


@variant(
    4,
    "quota_exceeded",
    Policy.APPROVE,
    alerts="KubeDeploymentRolloutStuck KubeDeploymentReplicasMismatch",
    kinds=("Deployment",),
)
def no_room_for_the_surge(system: System) -> None:
    """The quota is used up to the last pod: a release that adds one before it removes one cannot begin."""

    def edit(item: JsonObject) -> None:
        rolling: JsonObject = {"maxSurge": 1, "maxUnavailable": 0}
        section(item, "spec")["strategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}

    system.dress(edit)
    system.wait(1)
    count = len(system.cluster.storage.views(POD, system.namespace))
    body: JsonObject = {"metadata": {"name": system.names.word()}, "spec": {"hard": {"pods": str(count)}}}
    system.cluster.create(RESOURCE_QUOTA, system.namespace, body, TEAM)
    system.apply(container(image=system.publish(system.image(), system.target.application())), live=True)


@variant(
    7,
    "limit_range_violated",
    Policy.ACT,
    alerts="KubeDeploymentReplicasMismatch KubePodNotReady",
    prepare=with_first_step,
)
def first_step_smaller_than_allowed(system: System) -> None:
    least: JsonObject = {"type": "Container", "min": {"memory": "48Mi"}}
    body: JsonObject = {"metadata": {"name": system.names.word()}, "spec": {"limits": [least]}}
    system.create("v1", "LimitRange", system.namespace, body)
    system.wait(3)
    few: JsonObject = {"requests": {"cpu": "50m", "memory": "16Mi"}, "limits": {"memory": "96Mi"}}
    system.apply(lambda item: before(item).update(resources=few))


@variant(14, "api_forbidden", Policy.APPROVE, alerts=CRASH, written=True)
def role_deleted_under_its_binding(system: System) -> None:
    """The binding is there and names a Role that is not. The log is written."""
    account = system.names.word()
    system.create("v1", "ServiceAccount", system.namespace, {"metadata": {"name": account}})
    who: JsonObject = {"kind": "ServiceAccount", "name": account, "namespace": system.namespace}
    what: JsonObject = {"apiGroup": _RBAC, "kind": "Role", "name": account}
    body: JsonObject = {"metadata": {"name": account}, "subjects": [who], "roleRef": what}
    system.create(f"{_RBAC}/v1", "RoleBinding", system.namespace, body)
    system.apply(pod_spec(serviceAccountName=account))
    system.wait(4)
    user = f"system:serviceaccount:{system.namespace}:{account}"
    system.strike(
        1,
        f'secrets is forbidden: User "{user}" cannot list resource "secrets" in API group "" in the namespace '
        f'"{system.namespace}": RBAC: role.rbac.authorization.k8s.io "{account}" not found',
        after_s=9,
    )


def _with_credentials(system: System) -> None:
    """The credentials are taken as a whole from a Secret of their own."""
    name = f"{system.target.name}-db"
    metadata: JsonObject = {"name": name, "namespace": system.namespace}
    body: JsonObject = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque"}
    apply_manifest(system.cluster, {**body, "data": {"DB_PASSWORD": "Zmlyc3Q="}})
    system.dress(lambda item: first(item).update(envFrom=[{"secretRef": {"name": name}}]))


@variant(
    96,
    "configuration_edited credentials_refused",
    Policy.APPROVE,
    alerts=CRASH,
    prepare=_with_credentials,
    written=True,
)
def password_of_the_whole_secret_changed(system: System) -> Aim:
    """The release before it worked for long. What the server answers is written into the log."""
    name = f"{system.target.name}-db"
    system.change(SECRET, system.namespace, name, lambda item: section(item, "data").update(DB_PASSWORD="c2Vjb25k"))
    system.recreate_pods()
    system.strike(1, "ERROR 1045 (28000): Access denied for user 'clerk'@'10.244.2.17' (using password: YES)")
    return Aim(about(system.target.ref).labels, (system.target.ref, ref("v1", "Secret", system.namespace, name)))


@variant(66, "scaled_to_zero", Policy.APPROVE, alerts=CRASH, verdicts=_PUT_BACK)
def two_steps_down_the_chain(system: System) -> Aim:
    """The target calls the store, the store a program of another namespace, and that one was scaled to nothing."""
    far, store = system.neighbours[1], system.store
    image = system.publish(f"{store.image}5", replace(store.application(), calls=("UPSTREAM_ADDR",)))
    address: JsonObject = {"name": "UPSTREAM_ADDR", "value": f"http://{far.name}.{far.namespace}.svc:80"}

    def edit(item: JsonObject) -> None:
        first(item).update(image=image, env=[*store.environment(), address])

    system.apply(edit, store, live=True)
    system.wait(6)
    system.scale(0, far)
    system.wait(1)
    system.recreate_pods(store)
    system.wait(1)
    system.recreate_pods()
    return Aim(about(system.target.ref).labels, (far.ref,))


@variant(43, "missing_secret", Policy.APPROVE, alerts=CRASH)
def store_waits_for_its_secret(system: System) -> Aim:
    """The store cannot start, and whoever calls it ends; the alert is about a caller."""
    name = system.store.credentials_name
    system.delete("v1", "Secret", name)
    system.recreate_pods(system.store)
    system.wait(1)
    system.recreate_pods()
    secret = ref("v1", "Secret", system.namespace, name)
    return Aim(about(system.target.ref).labels, (system.store.ref, secret))


@variant(79, "service_selector_wrong", Policy.ACT, alerts=CRASH)
def stores_service_selects_nothing(system: System) -> Aim:
    """The alert is about the caller; the Service in front of the store was edited."""
    system.edit_service(lambda item: section(item, "spec", "selector").update(shard="a"), system.store)
    system.wait(1)
    system.recreate_pods()
    return Aim(about(system.target.ref).labels, (ref("v1", "Service", system.namespace, system.store.name),))


@variant(87, "network_policy_blocks", Policy.APPROVE, alerts=CRASH, written=True)
def namespace_closed_for_what_leaves(system: System) -> None:
    """A policy for all pods of the namespace that lets nothing out. That calls time out is written."""
    system.wait(8)
    spec: JsonObject = {"podSelector": {}, "policyTypes": ["Egress"]}
    system.create(
        _NETWORKING, "NetworkPolicy", system.namespace, {"metadata": {"name": system.names.word()}, "spec": spec}
    )
    said = f"dial tcp: lookup {system.store.name} on 10.96.0.10:53: i/o timeout"
    line = f'level=fatal msg="dependency not reached" err="{said}"'
    system.strike(1, line, after_s=12)


@variant(
    63,
    "crash_after_change",
    Policy.ACT,
    alerts="BlackboxProbeFailed KubeServiceWithoutEndpoints",
    kinds=("StatefulSet", "Deployment"),
)
def all_end_under_a_service_alert(system: System) -> Aim:
    """Every pod has the new version, which ends; the alert is about the Service."""
    image = system.publish(system.image(), system.target.application())
    system.strike(
        1,
        "Error: listen EACCES: permission denied 0.0.0.0:80",
        program=replace(system.target, tag=image.rpartition(":")[2]),
    )

    def edit(item: JsonObject) -> None:
        first(item)["image"] = image
        if system.target.kind == "Deployment":
            section(item, "spec")["strategy"] = {"type": "Recreate"}

    system.apply(edit)
    if system.target.kind == "StatefulSet":
        system.wait(1)
        system.recreate_pods()
    return symptom(system, "Service")


@variant(38, "image_not_found", Policy.ACT, alerts=PULL)
def digest_that_is_gone(system: System) -> None:
    """The image is pinned to a digest that the registry collected."""
    repository = system.target.image.rpartition(":")[0]
    system.apply(container(image=f"{repository}@sha256:{'4f2a9c' * 10}d01e"))


@variant(42, "missing_configmap", Policy.ACT, alerts=PENDING, prepare=with_first_step, verdicts=NOTHING_LEFT)
def map_deleted_that_the_first_step_needs(system: System) -> Aim:
    system.delete("v1", "ConfigMap", system.target.settings_name)
    pod = system.pods()[0]
    system.cluster.delete(POD, pod.namespace, pod.name, By("kubectl"), Deletion())
    name = ref("v1", "ConfigMap", system.namespace, system.target.settings_name)
    return Aim(about(system.target.ref).labels, (system.target.ref, name))


@variant(52, "port_conflict", Policy.ACT, alerts=CRASH, prepare=with_companion)
def companions_new_version_takes_the_port(system: System) -> None:
    """A new version of the companion opens the program's port too, after the program."""
    both = (Listener(9102), Listener(system.target.port))
    image = system.publish(system.image(name="shipper"), Application(listeners=both, startup_s=4.0))
    system.apply(of_companion(image=image))


@variant(103, "node_not_ready", Policy.APPROVE, alerts=SERVICE, kinds=SCALED)
def node_silent_under_a_service_alert(system: System) -> Aim:
    node = system.pods()[0].text("spec", "nodeName")
    system.universe.stop_node(node)
    return symptom(system, "Service", ref("v1", "Node", "", node))
