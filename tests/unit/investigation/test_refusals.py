"""Pods that the API server refuses to make, and what must not be taken for it."""

from __future__ import annotations

import pytest

from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.diagnosing import diagnose
from tests.objects import (
    Part,
    Parts,
    ago,
    container,
    deployment,
    event,
    metadata,
    node,
    pod,
    replica_set,
    running,
    service,
    template,
    waiting,
    workload,
)
from tests.unit.investigation.scenes import Rollout, best, causes, scene_of, texts

FORBIDDEN = 'pods "checkout-5d9c-" is forbidden: '
POST = 'Post "https://guard.policy.svc:443/validate?timeout=10s": '
CALL = 'Internal error occurred: failed calling webhook "check.policy.example": failed to call webhook: ' + POST
PLAIN = template(container())
GENUINE = [
    (f"{FORBIDDEN}maximum memory usage per Container is 512Mi, but limit is 1Gi", "limit_range_violated"),
    (
        f"{FORBIDDEN}minimum cpu usage per Container is 100m, but request is 50m, maximum memory usage per Pod is 1Gi, "
        "but limit is 2Gi",
        "limit_range_violated",
    ),
    (
        f"{FORBIDDEN}memory max limit to request limit ratio per Container is 2, but provided ratio is 4.000000",
        "limit_range_violated",
    ),
    (
        f'{FORBIDDEN}error looking up service account shop/cashier: serviceaccount "cashier" not found',
        "service_account_missing",
    ),
    (
        f'{FORBIDDEN}violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "app" must '
        "set securityContext.allowPrivilegeEscalation=false)",
        "pod_security_forbids",
    ),
    (f"{FORBIDDEN}no PriorityClass with name urgent was found", "pod_class_missing"),
    (f'{FORBIDDEN}pod rejected: RuntimeClass "gvisor" not found', "pod_class_missing"),
    ('admission webhook "check.policy.example" denied the request: images must come from our host', "webhook_denies"),
    (
        f"{FORBIDDEN}ValidatingAdmissionPolicy 'no-latest' with binding 'no-latest' denied request: a tag is required",
        "webhook_denies",
    ),
    (f"{CALL}dial tcp 10.96.14.2:443: connect: connection refused", "webhook_unavailable"),
    (f'{CALL}no endpoints available for service "guard"', "webhook_unavailable"),
    (f"{CALL}x509: certificate signed by unknown authority", "webhook_unavailable"),
    (f"{CALL}context deadline exceeded", "webhook_unavailable"),
    (
        'Pod "checkout-5d9c-x" is invalid: spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be '
        "between 0 and 2147483647, inclusive",
        "pod_template_invalid",
    ),
    (
        f"{FORBIDDEN}unable to create new content in namespace shop because it is being terminated",
        "namespace_terminating",
    ),
]


def failing(message: str) -> list[Parts]:
    return [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}]


def refused(message: str, old: Parts = PLAIN, new: Parts = PLAIN, **meta: Part) -> list[KubeObject]:
    """Deployment checkout, whose present ReplicaSet can make no pod."""
    item = deployment("checkout", new, status={"readyReplicas": 0, "updatedReplicas": 0}, **meta)
    before = replica_set(item, 6, old, desired=2, available=2)
    after = replica_set(item, 7, new, desired=3, age=ago(minutes=10), conditions=failing(message))
    told = event(after, "FailedCreate", f"Error creating: {message}", count=14)
    return [item, before, after, told, node()]


@pytest.mark.parametrize(("message", "cause"), GENUINE)
def test_the_api_servers_words_tell_why_pods_are_refused(message: str, cause: str) -> None:
    items = refused(message)
    found = diagnose(scene_of(items), items[0].ref)
    assert causes(found) == [cause]
    assert best(found).verdict is Verdict.ESCALATE


@pytest.mark.parametrize(("message", "cause"), GENUINE)
def test_a_refusal_that_is_over_is_no_fault(message: str, cause: str) -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=20, new_available=3)
    noise = event(rollout.after, "FailedCreate", f"Error creating: {message}", at=ago(minutes=19))
    found = rollout.diagnose(rollout.pods(running()), noise)
    assert causes(found) == ["self_healed"], cause


CHANGES = [
    (GENUINE[0][0], {"resources": {"limits": {"memory": "1Gi"}}}, {}, Verdict.ACT),
    (GENUINE[3][0], {}, {"serviceAccountName": "cashier"}, Verdict.ACT),
    (GENUINE[4][0], {"securityContext": {"privileged": True}}, {}, Verdict.APPROVE),
    (GENUINE[5][0], {}, {"priorityClassName": "urgent"}, Verdict.ACT),
    (GENUINE[7][0], {"image": "docker.io/library/nginx:1.27"}, {}, Verdict.APPROVE),
    (GENUINE[13][0], {"securityContext": {"runAsUser": -1}}, {}, Verdict.APPROVE),
]


@pytest.mark.parametrize(("message", "inside", "beside", "verdict"), CHANGES)
def test_what_the_last_change_brought_goes_back(message: str, inside: Parts, beside: Parts, verdict: Verdict) -> None:
    items = refused(message, PLAIN, template(container(**inside), **beside))
    top = best(diagnose(scene_of(items), items[0].ref))
    assert top.verdict is verdict
    assert top.remedies[0].action == "rollback_deployment"
    assert top.remedies[0].parameters == {"revision": 6}


@pytest.mark.parametrize(("message", "inside", "beside", "verdict"), CHANGES[:4])
def test_a_change_of_something_else_is_not_taken_back(
    message: str, inside: Parts, beside: Parts, verdict: Verdict
) -> None:
    old = template(container(**inside), **beside)
    items = refused(message, old, template(container(**inside, env=[{"name": "MODE", "value": "b"}]), **beside))
    top = best(diagnose(scene_of(items), items[0].ref))
    assert (top.verdict, [call.action for call in top.remedies]) == (Verdict.ESCALATE, ["escalate"]), verdict


def test_an_account_that_is_there_by_now_lowers_the_confidence() -> None:
    account = KubeObject(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata("ServiceAccount", "cashier")}
    )
    items = refused(GENUINE[3][0])
    sure = best(diagnose(scene_of(items, also=frozenset({"ServiceAccount"})), items[0].ref))
    unsure = best(diagnose(scene_of(items, account), items[0].ref))
    assert unsure.contradicting
    assert unsure.verdict is Verdict.ESCALATE
    assert unsure.confidence < sure.confidence


def test_a_stateful_set_without_a_condition_is_judged_by_its_fresh_event() -> None:
    item = workload("StatefulSet", "ledger", PLAIN, replicas=2)
    fresh = event(item, "FailedCreate", f"create Pod ledger-0 in StatefulSet ledger failed error: {GENUINE[4][0]}")
    assert causes(diagnose(scene_of(item, fresh, node()), item.ref)) == ["pod_security_forbids"]


def test_an_old_refusal_of_a_stateful_set_is_history_once_a_pod_was_made() -> None:
    item = workload("StatefulSet", "ledger", PLAIN, replicas=2)
    old = event(item, "FailedCreate", GENUINE[4][0], at=ago(minutes=9))
    made = event(item, "SuccessfulCreate", "create Pod ledger-0", type="Normal", at=ago(minutes=8))
    assert "pod_security_forbids" not in causes(diagnose(scene_of(item, old, made, node()), item.ref))


def test_a_template_that_an_operator_writes_is_mended_at_its_object() -> None:
    owner = [{"apiVersion": "x.example/v1", "kind": "Shop", "name": "main", "uid": "u1", "controller": True}]
    items = refused(
        GENUINE[13][0], PLAIN, template(container(securityContext={"runAsUser": -1})), ownerReferences=owner
    )
    top = best(diagnose(scene_of(items), items[0].ref))
    assert (top.verdict, [call.action for call in top.remedies]) == (Verdict.ESCALATE, ["escalate"])
    assert "Mend Shop main" in top.summary


def test_the_service_behind_a_webhook_is_named_with_what_it_lacks() -> None:
    items = refused(GENUINE[9][0].replace("guard.policy", "guard.shop"))
    backend = service("guard", {"app": "guard"})
    found = diagnose(scene_of(items, backend), items[0].ref)
    assert "Behind it is Service shop/guard" in best(found).summary
    assert "Service shop/guard selects no ready pod" in texts(found)


def test_a_namespace_that_does_not_go_says_what_holds_it() -> None:
    states: list[Part] = [
        {
            "type": "NamespaceDeletionDiscoveryFailure",
            "status": "True",
            "message": "Discovery failed for some groups, 1 failing: metrics.k8s.io/v1beta1: stale GroupVersion",
        }
    ]
    item = KubeObject(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": metadata("Namespace", "old", "", deletionTimestamp=ago(minutes=40)),
            "status": {"phase": "Terminating", "conditions": states},
        }
    )
    top = best(diagnose(scene_of(item, node()), item.ref))
    assert (top.cause, top.verdict) == ("namespace_terminating", Verdict.ESCALATE)
    assert "metrics.k8s.io" in top.summary


def test_a_webhook_whose_own_pods_fail_is_explained_by_what_fails_them() -> None:
    message = f'{CALL}no endpoints available for service "guard"'
    place = {"namespace": "policy"}
    engine = in_place(deployment("guard", PLAIN, replicas=1, status={"readyReplicas": 0}), place)
    made = in_place(replica_set(engine, 1, PLAIN, desired=1), place)
    pulls = waiting("ImagePullBackOff", 'Back-off pulling image "registry.example/shop:1.8.2"')
    held = in_place(pod("guard-a", [pulls], of=made), place)
    words = 'Failed to pull image "registry.example/shop:1.8.2": registry.example/shop:1.8.2: not found'
    behind = [engine, made, held, in_place(event(held, "Failed", words, namespace="policy"), place)]
    items = refused(message)
    front = in_place(service("guard", {"app": "checkout"}), place)
    scene = scene_of(items, front, behind)
    found = diagnose(scene, items[0].ref)
    assert causes(found) == ["image_not_found", "webhook_unavailable"]
    assert best(found).target == engine.ref


def in_place(item: KubeObject, place: Parts) -> KubeObject:
    """The same object in another namespace."""
    metadata_there: Parts = {**item.tree("metadata").raw, **place}
    return KubeObject({**item.raw, "metadata": metadata_there})
