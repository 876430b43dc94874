"""Rows 1 to 14: pods that the API server refuses, of other kinds, in part, or from another namespace's doing."""

from __future__ import annotations

from bench.diagnosis.cases import Aim, Policy, about
from bench.diagnosis.system import TEAM, System, first, pod_spec, ref
from bench.diagnosis.variants.outfits import (
    CRASH,
    of_companion,
    of_run,
    once,
    scheduled,
    task,
    template,
    variant,
    with_companion,
)
from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import BY_NAME, RESOURCE_QUOTA, SERVICE_ACCOUNT
from kubernaut.sandbox.shapes import section

_REFUSED = "KubeDeploymentReplicasMismatch KubeStatefulSetReplicasMismatch KubePodNotReady"
_RBAC = "rbac.authorization.k8s.io"
_FOR_PEOPLE = (Verdict.ESCALATE, Verdict.APPROVE)


def _quota(system: System, **hard: str) -> None:
    names = {"cpu": "requests.cpu", "memory": "requests.memory", "pods": "pods", "most_memory": "limits.memory"}
    spec: JsonObject = {"hard": {names[key]: value for key, value in hard.items()}}
    system.cluster.create(
        RESOURCE_QUOTA, system.namespace, {"metadata": {"name": system.names.word()}, "spec": spec}, TEAM
    )


@variant(1, "quota_exceeded", Policy.APPROVE, alerts=_REFUSED, kinds=("StatefulSet",))
def set_stops_half_way_up(system: System) -> None:
    """Scaled out under a quota that has room for two more pods: the third new ordinal is refused, the others serve."""
    every = system.cluster.storage.views(BY_NAME["v1", "Pod"], system.namespace)
    _quota(system, cpu=f"{50 * (len(every) + 2)}m")
    system.scale(system.target.replicas + 4)


@variant(2, "quota_exceeded", Policy.APPROVE, alerts="KubeJobNotCompleted", kinds=("Job",))
def work_has_no_room(system: System) -> Aim:
    _quota(system, memory="256Mi")
    return about(once(system, template(task(system))))


@variant(3, "quota_exceeded", Policy.APPROVE, alerts=_REFUSED, prepare=with_companion)
def companion_declares_nothing(system: System) -> None:
    """A quota of limits, and a release whose companion has none."""
    _quota(system, most_memory="40Gi")
    system.apply(of_companion(resources={"requests": {"cpu": "20m", "memory": "32Mi"}}), live=True)


@variant(7, "limit_range_violated", Policy.ACT, alerts=_REFUSED, prepare=with_companion)
def companion_larger_than_allowed(system: System) -> None:
    most: JsonObject = {"type": "Container", "max": {"memory": "512Mi"}}
    body: JsonObject = {"metadata": {"name": system.names.word()}, "spec": {"limits": [most]}}
    system.create("v1", "LimitRange", system.namespace, body)
    system.wait(3)
    system.apply(of_companion(resources={"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "1Gi"}}))


@variant(
    8, "service_account_missing", Policy.ACT, alerts="KubeJobNotCompleted", kinds=("CronJob",), verdicts=_FOR_PEOPLE
)
def run_of_no_account(system: System) -> Aim:
    return of_run(*scheduled(system, template(task(system), serviceAccountName=system.names.word())))


def _accounted(system: System) -> None:
    name = f"{system.target.name}-sa"
    system.cluster.create(SERVICE_ACCOUNT, system.namespace, {"metadata": {"name": name}}, TEAM)
    system.dress(pod_spec(serviceAccountName=name))


@variant(
    8, "service_account_missing", Policy.ACT, alerts=_REFUSED, prepare=_accounted, verdicts=(*_FOR_PEOPLE, Verdict.ACT)
)
def account_deleted(system: System) -> Aim:
    """The account is deleted, and the pods with it: it takes nothing along but its name."""
    name = f"{system.target.name}-sa"
    system.delete("v1", "ServiceAccount", name)
    system.recreate_pods()
    return Aim(
        about(system.target.ref).labels, (system.target.ref, ref("v1", "ServiceAccount", system.namespace, name))
    )


def _policed(system: System) -> None:
    """A webhook of a policy engine in another namespace, asked about the pods of this one."""
    program = system.neighbours[1]
    server: JsonObject = {"name": program.name, "namespace": program.namespace, "path": "/admit", "port": 80}
    rule: JsonObject = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    here: JsonObject = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": [system.namespace]}
    entry: JsonObject = {
        "name": f"pods.{program.name}.example.com", "clientConfig": {"service": server, "caBundle": "b3Vycw=="},
        "rules": [rule], "namespaceSelector": {"matchExpressions": [here]}, "failurePolicy": "Fail",
        "timeoutSeconds": 5, "sideEffects": "None", "admissionReviewVersions": ["v1"],
    }  # fmt: skip
    body: JsonObject = {"metadata": {"name": program.name}, "webhooks": [entry]}
    system.create("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "", body, By("helm"))


@variant(
    10,
    "webhook_unavailable image_not_found",
    Policy.APPROVE,
    alerts=_REFUSED,
    prepare=_policed,
    verdicts=(*_FOR_PEOPLE, Verdict.ACT),
)
def policy_engine_pulls_nothing(system: System) -> Aim:
    """The engine's own rollout fails for its image, in its own namespace; here a few more pods are refused."""
    engine = system.neighbours[1]

    def edit(manifest: JsonObject) -> None:
        section(manifest, "spec")["strategy"] = {"type": "Recreate"}
        first(manifest)["image"] = f"{engine.image}8"

    system.apply(edit, engine, live=True)
    system.wait(2)
    system.scale(system.target.replicas + 2) if system.target.kind != "DaemonSet" else system.recreate_pods()
    hook = ref("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "", engine.name)
    return Aim(about(system.target.ref).labels, (engine.ref, hook, system.target.ref))


@variant(14, "api_forbidden", Policy.APPROVE, alerts=CRASH, written=True)
def bound_in_another_namespace(system: System) -> None:
    """The binding still names the account of the namespace that the team moved away from. The log is written."""
    account, group = system.names.word(), "coordination.k8s.io"
    rule: JsonObject = {"apiGroups": [group], "resources": ["leases"], "verbs": ["get", "create", "update"]}
    system.create("v1", "ServiceAccount", system.namespace, {"metadata": {"name": account}})
    system.create(f"{_RBAC}/v1", "ClusterRole", "", {"metadata": {"name": account}, "rules": [rule]})
    who: JsonObject = {"kind": "ServiceAccount", "name": account, "namespace": system.other_namespace}
    what: JsonObject = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": account}
    system.create(
        f"{_RBAC}/v1", "ClusterRoleBinding", "", {"metadata": {"name": account}, "subjects": [who], "roleRef": what}
    )
    system.apply(pod_spec(serviceAccountName=account))
    system.wait(4)
    user = f"system:serviceaccount:{system.namespace}:{account}"
    lines: list[Json] = [
        f'error retrieving resource lock {system.namespace}/{account}: leases.coordination.k8s.io "{account}" is '
        f'forbidden: User "{user}" cannot get resource "leases" in API group "{group}" in the '
        f'namespace "{system.namespace}"',
        "leader election lost",
    ]
    system.strike(1, *map(str, lines), after_s=15)
