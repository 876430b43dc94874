"""Rows 1 to 17: what the API server refuses."""

from __future__ import annotations

from bench.diagnosis.cases import SCALED, Aim, Policy, about, fault
from bench.diagnosis.system import System, first, pod_spec, ref
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.domain.quantities import format_quantity
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.deletion import Deletion
from kubernaut.sandbox.kinds import BY_NAME, NAMESPACE
from kubernaut.sandbox.quota import namespace_usage
from kubernaut.sandbox.shapes import section, stamp

_REFUSED = "KubeDeploymentReplicasMismatch KubeDeploymentRolloutStuck KubePodNotReady"
ADMISSION = "admissionregistration.k8s.io/v1"


def _quota(system: System, *names: str) -> None:
    """A quota that holds what is used now, and hardly more."""
    used = namespace_usage(system.cluster.storage, system.namespace, dict.fromkeys(names))
    hard: JsonObject = {name: format_quantity(used[name], binary="memory" in name) for name in names}
    system.create(
        "v1", "ResourceQuota", system.namespace, {"metadata": {"name": system.names.word()}, "spec": {"hard": hard}}
    )


@fault(1, "quota_exceeded", Policy.APPROVE, alerts=_REFUSED, kinds=SCALED)
def cpu_used_up(system: System) -> None:
    _quota(system, "requests.cpu")
    system.scale(system.target.replicas + 2)


@fault(2, "quota_exceeded", Policy.APPROVE, alerts=_REFUSED, kinds=SCALED)
def memory_used_up(system: System) -> None:
    _quota(system, "requests.memory", "limits.memory")
    system.scale(system.target.replicas + 2)


def _undeclared(system: System) -> None:
    def edit(manifest: JsonObject) -> None:
        first(manifest)["resources"] = {}

    system.apply(edit)


@fault(3, "quota_exceeded", Policy.APPROVE, alerts=_REFUSED, prepare=_undeclared)
def declarations_demanded(system: System) -> None:
    body: JsonObject = {"metadata": {"name": system.names.word()}, "spec": {"hard": {"limits.memory": "64Gi"}}}
    system.create("v1", "ResourceQuota", system.namespace, body)
    system.recreate_pods()


@fault(4, "quota_exceeded", Policy.APPROVE, alerts=_REFUSED, kinds=SCALED)
def pods_used_up(system: System) -> None:
    _quota(system, "pods")
    system.scale(system.target.replicas + 1)


@fault(5, "service_missing", Policy.APPROVE, alerts="KubePodCrashLooping KubePodNotReady")
def services_used_up(system: System) -> Aim:
    """The Service is to be made anew, and another took its place in the quota."""
    system.delete("v1", "Service", system.store.name)
    _quota(system, "services")
    system.recreate_pods()
    return Aim(
        {system.target.kind.lower(): system.target.name, "namespace": system.namespace},
        (system.target.ref, ref("v1", "Service", system.namespace, system.store.name)),
    )


@fault(6, "claim_missing", Policy.APPROVE)
def claims_used_up(system: System) -> None:
    body: JsonObject = {
        "metadata": {"name": system.names.word()},
        "spec": {"hard": {"persistentvolumeclaims": "0"}},
    }
    system.create("v1", "ResourceQuota", system.namespace, body)
    volume: JsonObject = {"name": "records", "persistentVolumeClaim": {"claimName": system.names.word()}}
    system.apply(pod_spec(volumes=[volume]))


@fault(7, "limit_range_violated", Policy.ACT, alerts=_REFUSED)
def larger_than_allowed(system: System) -> None:
    most: JsonObject = {"type": "Container", "max": {"memory": "512Mi"}}
    body: JsonObject = {"metadata": {"name": system.names.word()}, "spec": {"limits": [most]}}
    system.create("v1", "LimitRange", system.namespace, body)
    system.wait(3)
    memory = system.names.one("768Mi", "1Gi", "2Gi")
    system.apply(lambda item: section(first(item), "resources", "limits").update(memory=memory))


@fault(8, "service_account_missing", Policy.ACT, alerts=_REFUSED)
def account_not_there(system: System) -> None:
    system.apply(pod_spec(serviceAccountName=system.names.word()))


@fault(9, "pod_security_forbids", Policy.APPROVE, alerts=_REFUSED)
def security_level_raised(system: System) -> None:
    level = "pod-security.kubernetes.io/enforce"
    system.change(
        NAMESPACE, "", system.namespace, lambda item: section(item, "metadata", "labels").update({level: "restricted"})
    )
    system.recreate_pods()


def _hook(system: System, kind: str, *, trusted: bool = True, timeout_s: int = 10) -> JsonObject:
    """A webhook of a policy engine in a namespace of its own, asked about every pod."""
    program = system.neighbours[1]
    server: JsonObject = {"name": program.name, "namespace": program.namespace, "path": "/admit", "port": 80}
    authority = "b3Vycw==" if trusted else "dGhlaXJz"
    rule: JsonObject = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    elsewhere: JsonObject = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": [system.namespace]}
    entry: JsonObject = {
        "name": f"pods.{program.name}.example.com",
        "clientConfig": {"service": {**server}, "caBundle": authority},
        "rules": [rule],
        "namespaceSelector": {"matchExpressions": [elsewhere]},
        "failurePolicy": "Fail",
        "timeoutSeconds": timeout_s,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    body: JsonObject = {"metadata": {"name": program.name}, "webhooks": [entry]}
    return system.create(ADMISSION, kind, "", body, By("helm"))


_VALIDATING = "ValidatingWebhookConfiguration"


def _policed(system: System) -> None:
    _hook(system, _VALIDATING)


@fault(10, "webhook_unavailable", Policy.APPROVE, alerts=_REFUSED, prepare=_policed)
def admission_server_gone(system: System) -> Aim:
    backend = system.neighbours[1]
    system.scale(0, backend)
    system.wait(1)
    system.recreate_pods()
    return _either(system, _VALIDATING)


@fault(11, "webhook_unavailable", Policy.APPROVE, alerts=_REFUSED)
def admission_server_not_trusted(system: System) -> Aim:
    system.cluster.webhooks.authority = "b3Vycw=="
    _hook(system, _VALIDATING, trusted=False)
    system.recreate_pods()
    return _either(system, _VALIDATING)


@fault(12, "webhook_unavailable", Policy.ESCALATE, alerts=_REFUSED)
def admission_servers_take_long(system: System) -> Aim:
    kind = "MutatingWebhookConfiguration"
    _hook(system, kind, timeout_s=15)
    program = system.neighbours[1]
    system.cluster.webhooks.answer_s[program.namespace, program.name] = 20
    system.recreate_pods()
    return _either(system, kind)


def _either(system: System, kind: str) -> Aim:
    """The workload that gets no pods, or the webhook that is in the way, or the program behind it."""
    hook = ref(ADMISSION, kind, "", system.neighbours[1].name)
    mine = system.target.ref
    return Aim(about(mine).labels, (mine, hook, system.neighbours[1].ref))


@fault(13, "memory_limit_imposed", Policy.APPROVE, alerts="KubernetesContainerOomKiller KubePodCrashLooping")
def limits_stamped(system: System) -> Aim:
    kind = "MutatingWebhookConfiguration"
    _hook(system, kind)
    system.cluster.webhooks.changes[system.neighbours[1].name] = _stamp
    system.recreate_pods()
    return _either(system, kind)


def _stamp(pod: JsonObject) -> None:
    listed = section(pod, "spec")["containers"]
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict):
            resources = section(item, "resources")
            resources["limits"] = {**section(resources, "limits"), "memory": "16Mi"}
            resources["requests"] = {**section(resources, "requests"), "memory": "16Mi"}


@fault(14, "api_forbidden", Policy.APPROVE, alerts="KubePodCrashLooping KubePodNotReady", written=True)
def role_lost_a_verb(system: System) -> None:
    """The program's log is written: the sandbox's programs do not call the API server."""
    rbac = "rbac.authorization.k8s.io"
    account, resource = system.names.word(), system.names.one("pods", "configmaps", "endpoints", "leases")
    rule: JsonObject = {"apiGroups": [""], "resources": ["deployments"], "verbs": ["get", "list", "watch"]}
    system.create("v1", "ServiceAccount", system.namespace, {"metadata": {"name": account}})
    system.create(f"{rbac}/v1", "Role", system.namespace, {"metadata": {"name": account}, "rules": [rule]})
    who: JsonObject = {"kind": "ServiceAccount", "name": account, "namespace": system.namespace}
    what: JsonObject = {"apiGroup": rbac, "kind": "Role", "name": account}
    body: JsonObject = {"metadata": {"name": account}, "subjects": [who], "roleRef": what}
    system.create(f"{rbac}/v1", "RoleBinding", system.namespace, body)
    system.apply(pod_spec(serviceAccountName=account))
    system.wait(4)
    user = f"system:serviceaccount:{system.namespace}:{account}"
    system.strike(
        1,
        f'E0302 09:14:11.204117 1 reflector.go:166] "Unhandled Error" err="failed to list *v1.{resource}: {resource} '
        f'is forbidden: User \\"{user}\\" cannot list resource \\"{resource}\\" in API group \\"\\" in the namespace '
        f'\\"{system.namespace}\\""',
        "timed out waiting for caches to sync",
    )


@fault(15, "stuck_terminating", Policy.APPROVE, alerts="KubePodNotReady KubeDeploymentReplicasMismatch")
def finalizer_not_served(system: System) -> None:
    kind = BY_NAME[system.target.ref.api_version, system.target.kind]
    mark = f"{system.names.word()}.example.com/release"

    def edit(item: JsonObject) -> None:
        listed: list[Json] = [mark]
        section(item, "metadata")["finalizers"] = listed

    system.change(kind, system.namespace, system.target.name, edit, By(system.names.word()))
    system.wait(5)
    system.cluster.delete(kind, system.namespace, system.target.name, By("kubectl"), Deletion())


@fault(16, "namespace_terminating", Policy.ESCALATE, alerts="NamespaceStuckTerminating", written=True)
def namespace_does_not_go(system: System) -> Aim:
    """A dead APIService keeps the namespace controller from emptying it; its condition is written as it reports it."""
    now, name = system.clock.now(), system.other_namespace
    group = f"{system.names.word()}.example.com/v1beta1"

    def finish() -> None:
        def edit(item: JsonObject) -> None:
            section(item, "metadata")["deletionTimestamp"] = stamp(now)
            section(item, "spec")["finalizers"] = ["kubernetes"]
            message = (
                "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: "
                f"{group}: stale GroupVersion discovery: {group}"
            )
            condition: JsonObject = {
                "type": "NamespaceDeletionDiscoveryFailure", "status": "True", "reason": "DiscoveryFailed",
                "lastTransitionTime": stamp(now), "message": message,
            }  # fmt: skip
            item["status"] = {"phase": "Terminating", "conditions": [condition]}

        system.rewrite(NAMESPACE, system.find("v1", "Namespace", name, ""), edit)

    system.after.append(finish)
    return about(ref("v1", "Namespace", "", name))
