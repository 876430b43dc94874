"""Autoscalers, budgets, CronJobs, Ingresses and the finer faults of Services."""

from __future__ import annotations

import json

import pytest

from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.diagnosing import diagnose, survey
from tests.objects import (
    LAST_APPLIED,
    Part,
    Parts,
    ago,
    autoscaler,
    configuration,
    container,
    crash_loop,
    endpoint_slice,
    event,
    managed,
    metadata,
    namespace,
    node,
    owner,
    pod,
    running,
    service,
    template,
    workload,
)
from tests.unit.investigation.scenes import Rollout, best, causes, scene_of, texts

REQUESTS: Parts = {"requests": {"cpu": "100m"}}
PLAIN = template(container())
WITH_REQUEST = template(container(resources=REQUESTS))
MORE = frozenset({"IngressClass", "CronJob", "PodDisruptionBudget", "Ingress", "NetworkPolicy"})


def thing(kind: str, name: str, spec: Parts, status: Part = None, version: str = "v1", **meta: Part) -> KubeObject:
    made = metadata(kind, name, **meta)
    return KubeObject({"apiVersion": version, "kind": kind, "metadata": made, "spec": spec, "status": status or {}})


def scaler(of: KubeObject, *states: Parts, **status: Part) -> KubeObject:
    item = autoscaler("web", of)
    spec: Part = dict(item.tree("spec").raw) | {
        "metrics": [{"resource": {"name": "cpu", "target": {"averageUtilization": 70}}}]
    }
    return KubeObject({**item.raw, "spec": spec, "status": {"conditions": list(states), **status}})


def state(kind: str, status: str, reason: str, message: str) -> Parts:
    return {"type": kind, "status": status, "reason": reason, "message": message}


BLIND = state(
    "ScalingActive", "False", "FailedGetResourceMetric",
    "the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in "
    "container app of Pod checkout-x",
)  # fmt: skip
DOWN = state(
    "ScalingActive", "False", "FailedGetResourceMetric",
    "unable to fetch metrics from resource metrics API: the server could not find the requested resource",
)  # fmt: skip
FULL = state("ScalingLimited", "True", "TooManyReplicas", "the desired replica count is more than the maximum")


def test_a_request_that_a_change_took_from_an_autoscaler_goes_back() -> None:
    rollout = Rollout(WITH_REQUEST, PLAIN, minutes_ago=30, new_available=3)
    item = scaler(rollout.deployment, BLIND)
    for ref in (item.ref, rollout.deployment.ref):
        top = best(diagnose(scene_of(rollout.parts, rollout.pods(running()), item, node()), ref))
        assert (top.cause, top.verdict) == ("autoscaler_blind", Verdict.ACT)
        assert top.remedies[0].parameters == {"revision": 6}


@pytest.mark.parametrize("condition", [BLIND, DOWN])
def test_an_autoscaler_that_never_saw_a_number_goes_to_people(condition: Parts) -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=900, new_available=3)
    item = scaler(rollout.deployment, condition)
    top = best(diagnose(scene_of(rollout.parts, rollout.pods(running()), item, node()), item.ref))
    assert (top.cause, top.verdict) == ("autoscaler_blind", Verdict.ESCALATE)


def test_an_autoscaler_of_a_workload_at_zero_is_not_blind() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=900, new_available=3)
    item = scaler(rollout.deployment, state("ScalingActive", "False", "ScalingDisabled", "scaling is disabled"))
    assert "autoscaler_blind" not in causes(diagnose(scene_of(rollout.parts, item, node()), item.ref))


def test_an_autoscaler_at_its_maximum_goes_to_people_and_failing_pods_speak_against_more() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=900, new_available=3)
    current: Part = [{"resource": {"name": "cpu", "current": {"averageUtilization": 93}}}]
    item = scaler(rollout.deployment, FULL, currentMetrics=current)
    top = best(diagnose(scene_of(rollout.parts, rollout.pods(running()), item, node()), item.ref))
    assert (top.cause, top.verdict) == ("autoscaler_at_limit", Verdict.APPROVE)
    assert (top.remedies[0].action, top.remedies[0].target) == ("patch_hpa", item.ref)
    assert "cpu 93 of 70 %" in top.summary
    failing = best(diagnose(scene_of(rollout.parts, rollout.pods(crash_loop()), item, node()), item.ref))
    assert failing.contradicting
    assert (failing.verdict, failing.remedies[0].action) == (Verdict.ESCALATE, "escalate")
    few = scaler(rollout.deployment, state("ScalingLimited", "True", "TooFewReplicas", "at the minimum"))
    assert causes(diagnose(scene_of(rollout.parts, rollout.pods(running()), few, node()), few.ref)) == []


def budget(**status: int) -> KubeObject:
    spec: Parts = {"minAvailable": 3, "selector": {"matchLabels": {"app": "checkout"}}}
    return thing("PodDisruptionBudget", "web", spec, status, "policy/v1")


def test_a_budget_that_can_never_let_a_pod_go_is_told() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=900, new_available=3)
    item = budget(disruptionsAllowed=0, expectedPods=3, currentHealthy=3, desiredHealthy=3)
    top = best(diagnose(scene_of(rollout.parts, rollout.pods(running()), item, node()), item.ref))
    assert (top.cause, top.verdict) == ("disruption_budget_blocks", Verdict.ESCALATE)


def test_a_budget_whose_pods_fail_leads_to_the_fault_of_the_pods() -> None:
    rollout = Rollout(PLAIN, template(container(args=["b"])))
    item = budget(disruptionsAllowed=0, expectedPods=3, currentHealthy=0, desiredHealthy=2)
    found = diagnose(scene_of(rollout.parts, rollout.pods(crash_loop()), item, node()), item.ref)
    assert (best(found).cause, best(found).target) == ("crash_after_change", rollout.deployment.ref)


def test_a_budget_with_room_is_no_fault() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=900, new_available=3)
    item = budget(disruptionsAllowed=1, expectedPods=3, currentHealthy=3, desiredHealthy=2)
    assert causes(diagnose(scene_of(rollout.parts, rollout.pods(running()), item, node()), item.ref)) == []


def test_what_may_be_meant_so_is_told_where_it_is_asked_for_and_not_in_a_survey() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=900, new_available=3)
    strict = budget(disruptionsAllowed=0, expectedPods=3, currentHealthy=3, desiredHealthy=3)
    items = [strict, cron(suspend=True), scaler(rollout.deployment, FULL)]
    assert survey(scene_of(rollout.parts, rollout.pods(running()), items, node())) == []


def cron(**spec: Part) -> KubeObject:
    wanted: Parts = {"schedule": "*/5 * * * *", **spec}
    mark = managed("kubectl-patch", ago(hours=3), "spec", "suspend")
    return thing("CronJob", "report", wanted, {"lastScheduleTime": ago(hours=3)}, "batch/v1", managedFields=[mark])


def test_a_suspended_cronjob_goes_to_people_with_who_did_it() -> None:
    top = best(diagnose(scene_of(cron(suspend=True), node()), cron().ref))
    assert (top.cause, top.verdict) == ("cronjob_suspended", Verdict.ESCALATE)
    assert "by kubectl-patch" in top.summary


def test_a_cronjob_that_misses_its_schedule_says_why() -> None:
    item = cron(concurrencyPolicy="Forbid")
    for reason in ("FailedNeedsStart", "UnknownTimeZone"):
        missed = event(item, reason, "Cannot determine if job needs to be started: too many missed start times")
        assert best(diagnose(scene_of(item, missed, node()), item.ref)).cause == "cronjob_misses"
    held = event(item, "JobAlreadyActive", "Not starting job because prior execution is running", type="Normal")
    assert best(diagnose(scene_of(item, held, node()), item.ref)).cause == "cronjob_misses"
    assert causes(diagnose(scene_of(cron(), event(cron(), "SuccessfulCreate", "x", type="Normal")), item.ref)) == []


def test_a_cronjob_whose_last_job_gave_up_leads_to_that_job() -> None:
    item = cron()
    gave_up: Part = [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "limit"}]
    made = workload("Job", "report-1", PLAIN, status={"conditions": gave_up}, ownerReferences=owner(item))
    found = diagnose(scene_of(item, made, pod("report-1-x", [crash_loop()], of=made), node()), item.ref)
    assert (best(found).cause, best(found).target) == ("job_failed", made.ref)


def ingress(backend: str = "cart", port: Part = 80, *, meta: Part = None, **spec: Part) -> KubeObject:
    path: Part = {"path": "/", "backend": {"service": {"name": backend, "port": {"number": port}}}}
    wanted: Parts = {"ingressClassName": "nginx", "rules": [{"http": {"paths": [path]}}], **spec}
    worn: Parts = meta if isinstance(meta, dict) else {}
    return thing("Ingress", str(worn.pop("name", "shop")), wanted, None, "networking.k8s.io/v1", **worn)


def ingress_class(name: str = "nginx", **meta: Part) -> KubeObject:
    made = metadata("IngressClass", name, "", **meta)
    return KubeObject({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": made})


INGRESSES: list[tuple[KubeObject, str]] = [
    (ingress("basket"), "it sends to Service basket, which does not exist"),
    (ingress(port=8080), "it sends to port 8080 of Service cart, which has no such port"),
    (ingress(ingressClassName=""), "it names no class, and none is the default"),
    (ingress(tls=[{"secretName": "shop-tls"}]), "Secret shop-tls, which does not exist"),
]


def test_the_only_class_of_a_cluster_is_proposed_for_an_ingress_whose_class_does_not_exist() -> None:
    item = ingress(ingressClassName="traefik")
    top = best(diagnose(scene_of(item, ingress_class(), front(), also=MORE), item.ref))
    assert (top.cause, top.verdict) == ("ingress_misrouted", Verdict.APPROVE)
    assert top.remedies[0].parameters == {"ingress_class": "nginx"}
    both = (ingress_class(), ingress_class("haproxy"))
    top = best(diagnose(scene_of(item, both, front(), also=MORE), item.ref))
    assert (top.verdict, top.remedies[0].action) == (Verdict.ESCALATE, "escalate")


def test_an_ingress_is_led_to_the_service_of_its_own_name_only_with_approval() -> None:
    item = ingress("basket", meta={"name": "cart"})
    top = best(diagnose(scene_of(item, ingress_class(), front(), also=MORE), item.ref))
    assert (top.verdict, top.remedies[0].parameters) == (
        Verdict.APPROVE,
        {"host": "", "path": "/", "service": "cart", "port": "80"},
    )


def test_an_ingress_that_was_moved_by_hand_is_led_back_to_what_was_applied() -> None:
    mail = service("mail", {"app": "mail"})
    meant = ingress()
    moved = ingress("mail", meta={"annotations": {LAST_APPLIED: json.dumps(meant.raw)}})
    top = best(diagnose(scene_of(moved, ingress_class(), front(), mail, also=MORE), moved.ref))
    assert (top.verdict, top.remedies[0].parameters["service"]) == (Verdict.ACT, "cart")


def front() -> list[KubeObject]:
    item = service("cart", {"app": "cart"})
    return [item, endpoint_slice(item, ready=1), pod("cart-0", [running()], labels={"app": "cart"}), node()]


@pytest.mark.parametrize(("item", "why"), INGRESSES)
def test_an_ingress_that_leads_nowhere_says_to_what(item: KubeObject, why: str) -> None:
    top = best(diagnose(scene_of(item, ingress_class(), front(), also=MORE), item.ref))
    assert (top.cause, top.verdict in (Verdict.APPROVE, Verdict.ESCALATE)) == ("ingress_misrouted", True)
    assert why in top.summary


def test_a_path_to_a_port_that_is_not_there_is_led_to_the_only_one_with_approval() -> None:
    item = ingress(port=8080)
    top = best(diagnose(scene_of(item, ingress_class(), front(), also=MORE), item.ref))
    assert top.verdict is Verdict.APPROVE
    assert top.remedies[0].parameters == {"host": "", "path": "/", "service": "cart", "port": "http"}


def test_an_ingress_that_is_whole_is_left_alone() -> None:
    item = ingress(tls=[{"secretName": "shop-tls"}])
    secret = configuration("Secret", "shop-tls", ["tls.crt"])
    assert causes(diagnose(scene_of(item, ingress_class(), front(), secret, also=MORE), item.ref)) == []
    unread = frozenset({"Service", "Secret", "IngressClass"})
    assert causes(diagnose(scene_of(ingress("basket"), node(), unread=unread), item.ref)) == []


def test_a_backend_that_an_annotation_describes_is_no_service() -> None:
    path: Part = {"path": "/", "backend": {"service": {"name": "redirect", "port": {"name": "use-annotation"}}}}
    item = ingress(rules=[{"http": {"paths": [path]}}])
    assert causes(diagnose(scene_of(item, ingress_class(), front(), also=MORE), item.ref)) == []


def test_an_ingress_before_a_service_without_pods_leads_to_the_service() -> None:
    item = ingress()
    lost = service("cart", {"app": "cart", "tier": "x"})
    scene = scene_of(item, ingress_class(), lost, endpoint_slice(lost), front()[2:], also=MORE)
    assert best(diagnose(scene, item.ref)).cause == "service_selector_wrong"


PORT: Parts = {"name": "http", "port": 80, "targetPort": 8080}


def serving(labels: dict[str, str] | None = None, name: str = "cart", **spec: Part) -> KubeObject:
    wanted: Part = {"containers": [container(ports=[{"containerPort": 8080}])], **spec}
    return pod(f"{name}-0", [running()], labels=labels or {"app": name}, spec=wanted)


def test_a_port_offered_with_another_protocol_than_the_pods_speak_is_told() -> None:
    applied = {LAST_APPLIED: json.dumps({"spec": {"ports": [PORT]}})}
    wrong = service("cart", {"app": "cart"}, PORT | {"protocol": "UDP"}, annotations=applied)
    found = diagnose(scene_of(wrong, endpoint_slice(wrong, ready=1), serving(), node()), wrong.ref)
    assert (best(found).cause, best(found).verdict) == ("service_protocol_wrong", Verdict.ACT)
    assert best(found).remedies[0].parameters == {"part": "protocol"}
    assert "applied with protocol TCP" in texts(found)
    right = service("cart", {"app": "cart"}, PORT | {"protocol": "TCP"})
    assert causes(diagnose(scene_of(right, endpoint_slice(right, ready=1), serving(), node()), right.ref)) == [
        "healthy"
    ]


def test_a_service_that_also_reaches_others_since_its_selector_was_widened_is_told() -> None:
    both = [serving({"app": "cart", "team": "a"}), serving({"app": "mail", "team": "a"}, "mail")]
    applied = {LAST_APPLIED: json.dumps({"spec": {"selector": {"app": "cart"}}})}
    wide = service("cart", {"team": "a"}, annotations=applied)
    top = best(diagnose(scene_of(wide, endpoint_slice(wide, ready=2), both, node()), wide.ref))
    assert (top.cause, top.verdict) == ("service_selects_foreign_pods", Verdict.APPROVE)
    assert (top.remedies[0].action, top.remedies[0].parameters) == ("restore_service", {"part": "selector"})
    canary = service("cart", {"team": "a"})
    scene = scene_of(canary, endpoint_slice(canary, ready=2), both, node())
    assert causes(diagnose(scene, canary.ref)) == ["healthy"]


def local(**meta: Part) -> KubeObject:
    item = service("cart", {"app": "cart"}, **meta)
    spec: Part = dict(item.tree("spec").raw) | {"internalTrafficPolicy": "Local"}
    return KubeObject({**item.raw, "spec": spec})


def test_a_service_that_was_bound_to_the_callers_node_afterwards_is_told() -> None:
    mark = managed("kubectl-patch", ago(minutes=20), "spec", "internalTrafficPolicy")
    changed = local(managedFields=[mark])
    two = [node("worker-1"), node("worker-2")]
    top = best(diagnose(scene_of(changed, endpoint_slice(changed, ready=1), serving(), two), changed.ref))
    assert (top.cause, top.verdict) == ("traffic_kept_on_node", Verdict.ESCALATE)
    applied = {LAST_APPLIED: json.dumps({"spec": {"selector": {"app": "cart"}}})}
    recorded = local(managedFields=[mark], annotations=applied)
    top = best(diagnose(scene_of(recorded, endpoint_slice(recorded, ready=1), serving(), two), recorded.ref))
    assert (top.verdict, top.remedies[0].parameters) == (Verdict.APPROVE, {"part": "traffic_policy"})
    delivered = local(managedFields=[managed("helm", ago(minutes=20), "spec", "internalTrafficPolicy")])
    scene = scene_of(delivered, endpoint_slice(delivered, ready=1), serving(), two)
    assert causes(diagnose(scene, delivered.ref)) == ["healthy"]
    meant = local()
    scene = scene_of(meant, endpoint_slice(meant, ready=1), serving(), two)
    assert causes(diagnose(scene, meant.ref)) == ["healthy"]
    assert survey(scene) == []


def policy(made: str, **spec: Part) -> KubeObject:
    wanted: Parts = {"podSelector": {"matchLabels": {"app": "checkout"}}, "policyTypes": ["Ingress", "Egress"], **spec}
    return thing("NetworkPolicy", "tighten", wanted, None, "networking.k8s.io/v1", creationTimestamp=made)


TIMEOUT = "FATAL: dial tcp 10.96.0.20:5432: i/o timeout"


def test_a_new_policy_that_allows_nothing_explains_calls_that_time_out() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=9000)
    pods = rollout.pods(crash_loop())
    place = namespace(creationTimestamp=ago(days=3))
    found = rollout.diagnose(pods, policy(ago(minutes=20)), place, logs={pods[0]: TIMEOUT}, also=MORE)
    assert causes(found) == ["network_policy_blocks"]
    assert best(found).verdict is Verdict.APPROVE
    assert best(found).remedies[0].action == "amend_network_policy"


def test_a_namespace_that_began_with_its_policy_is_not_opened() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=9000)
    pods = rollout.pods(crash_loop())
    place = namespace(creationTimestamp=ago(minutes=25))
    found = rollout.diagnose(pods, policy(ago(minutes=20)), place, logs={pods[0]: TIMEOUT}, also=MORE)
    assert (best(found).cause, best(found).verdict) == ("network_policy_blocks", Verdict.ESCALATE)


@pytest.mark.parametrize(
    "other",
    [
        policy(ago(days=2)),
        policy(ago(minutes=20), podSelector={"matchLabels": {"app": "mail"}}),
        policy(ago(minutes=20), ingress=[{}], egress=[{}]),
    ],
)
def test_an_old_policy_one_for_others_and_one_that_allows_are_not_blamed(other: KubeObject) -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=9000)
    pods = rollout.pods(crash_loop())
    found = rollout.diagnose(pods, other, logs={pods[0]: TIMEOUT}, also=MORE)
    assert "network_policy_blocks" not in causes(found)
