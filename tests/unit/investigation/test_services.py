from __future__ import annotations

import json

from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import Json, KubeObject
from kubernaut.investigation.diagnosing import diagnose, survey
from tests.objects import (
    LAST_APPLIED,
    Part,
    ago,
    container,
    crash_loop,
    deployment,
    endpoint_slice,
    event,
    managed,
    node,
    pod,
    replica_set,
    running,
    service,
    template,
)
from tests.unit.investigation.scenes import best, causes, scene_of

LABELS = {"app": "cart", "tier": "web"}
PORTS = [{"containerPort": 8080, "name": "http"}]
PROBE = {"httpGet": {"path": "/ready", "port": "http"}}


def app(
    name: str = "cart", labels: dict[str, str] | None = None, status: Json = None, **spec: Part
) -> list[KubeObject]:
    wanted = template(container(ports=PORTS, readinessProbe=PROBE, **spec), labels=labels or LABELS)
    item = deployment(name, wanted, replicas=1)
    made = replica_set(item, 1, wanted, desired=1, available=1)
    state = status if isinstance(status, dict) else running()
    return [item, made, pod(f"{made.name}-a", [state], of=made), node()]


def test_a_selector_with_a_label_that_no_pod_has_loses_it() -> None:
    front = service("cart", {**LABELS, "release": "blue"})
    found = diagnose(scene_of(app(), front, endpoint_slice(front)), front.ref)
    top = best(found)
    assert (top.cause, top.verdict) == ("service_selector_wrong", Verdict.ACT)
    assert top.remedies[0].parameters == {"selector": "app=cart,tier=web"}


def test_a_misspelt_value_is_set_to_the_one_that_the_pods_have() -> None:
    front = service("cart", {"app": "cart", "tier": "wbe"})
    top = best(diagnose(scene_of(app(), front, endpoint_slice(front)), front.ref))
    assert (top.verdict, top.remedies[0].parameters) == (Verdict.ACT, {"selector": "app=cart,tier=web"})


def test_what_was_applied_decides_where_two_workloads_are_near() -> None:
    both = [*app(), *app("cart-admin", {"app": "cart", "tier": "admin"})]
    unproven = service("cart", {"app": "cart", "tier": "wbe"})
    top = best(diagnose(scene_of(both, unproven, endpoint_slice(unproven)), unproven.ref))
    assert (top.cause, top.verdict) == ("service_selector_wrong", Verdict.APPROVE)
    applied = {LAST_APPLIED: json.dumps({"spec": {"selector": {"app": "cart", "tier": "web"}}})}
    proven = service("cart", {"app": "cart", "tier": "wbe"}, annotations=applied)
    top = best(diagnose(scene_of(both, proven, endpoint_slice(proven)), proven.ref))
    assert (top.verdict, top.remedies[0].parameters) == (Verdict.ACT, {"selector": "app=cart,tier=web"})


def test_the_standby_of_a_blue_green_pair_is_not_mended_by_itself() -> None:
    live = service("cart", {"app": "cart", "tier": "web"})
    standby = service("cart-green", {"app": "cart", "tier": "green"})
    scene = scene_of(app(), live, standby, endpoint_slice(live, ready=1), endpoint_slice(standby))
    assert best(diagnose(scene, standby.ref)).verdict is Verdict.APPROVE


def test_selected_pods_that_crash_are_the_cause_and_not_the_selector() -> None:
    front = service("cart", LABELS)
    parts = app(status=crash_loop())
    scene = scene_of(parts, front, endpoint_slice(front, not_ready=1))
    top = best(diagnose(scene, front.ref))
    assert (top.cause, top.target) == ("crash_without_change", parts[0].ref)
    assert [found.target for found in survey(scene)] == [parts[0].ref]


def test_a_target_port_that_the_applied_manifest_contradicts_is_restored() -> None:
    port: dict[str, Json] = {"name": "http", "port": 80, "targetPort": 9999}
    applied = {LAST_APPLIED: json.dumps({"spec": {"ports": [{**port, "targetPort": 8080}]}})}
    front = service("cart", LABELS, port, annotations=applied)
    top = best(diagnose(scene_of(app(), front, endpoint_slice(front, ready=1)), front.ref))
    assert (top.cause, top.verdict) == ("service_port_wrong", Verdict.ACT)
    assert top.remedies[0].parameters == {"port": "http", "target_port": "8080"}


def test_an_edited_target_port_beside_a_probed_one_is_restored() -> None:
    wrote = managed("kubectl-patch", ago(minutes=9), "spec", "ports")
    front = service("cart", LABELS, {"port": 80, "targetPort": 9999}, managedFields=[wrote])
    top = best(diagnose(scene_of(app(), front, endpoint_slice(front, ready=1)), front.ref))
    assert (top.verdict, top.remedies[0].parameters) == (Verdict.ACT, {"port": "80", "target_port": "8080"})


def test_a_port_that_is_merely_undeclared_is_only_a_question() -> None:
    front = service("cart", LABELS, {"port": 80, "targetPort": 9999})
    top = best(diagnose(scene_of(app(), front, endpoint_slice(front, ready=1)), front.ref))
    assert (top.cause, top.verdict) == ("service_port_wrong", Verdict.APPROVE)


def test_an_undeclared_port_beside_one_that_is_used_is_no_fault() -> None:
    ports: list[dict[str, Json]] = [
        {"name": "a", "port": 80, "targetPort": "http"},
        {"name": "b", "port": 90, "targetPort": 9090},
    ]
    front = service("cart", LABELS, *ports)
    assert causes(diagnose(scene_of(app(), front, endpoint_slice(front, ready=1)), front.ref)) == ["healthy"]


def test_a_named_port_that_nobody_declares_has_one_answer() -> None:
    front = service("cart", LABELS, {"name": "web", "port": 80, "targetPort": "https"})
    top = best(diagnose(scene_of(app(), front, endpoint_slice(front)), front.ref))
    assert (top.verdict, top.remedies[0].parameters) == (Verdict.ACT, {"port": "web", "target_port": "http"})


def test_a_service_filled_by_hand_or_by_name_is_left_alone() -> None:
    by_hand = service("legacy", {})
    alias = service("bank", {"app": "nobody"})
    spec = dict(alias.tree("spec").raw) | {"type": "ExternalName", "externalName": "bank.example"}
    alias = KubeObject({**alias.raw, "spec": spec})
    scene = scene_of(app(), by_hand, alias)
    assert causes(diagnose(scene, by_hand.ref)) == ["healthy"]
    assert survey(scene) == []


def test_a_service_that_gets_no_load_balancer_is_not_healthy_while_its_controller_says_why() -> None:
    front = service("cart", LABELS)
    public = KubeObject({**front.raw, "spec": {**front.tree("spec").raw, "type": "LoadBalancer"}})
    words = "Error syncing load balancer: could not find any suitable subnets"
    told = event(public, "SyncLoadBalancerFailed", words)
    alone = [*app(), public, endpoint_slice(public, ready=1)]
    found = diagnose(scene_of(alone, told), public.ref)
    assert (causes(found), best(found).verdict) == (["unknown"], Verdict.ESCALATE)
    assert words in best(found).summary
    assert causes(diagnose(scene_of(alone), public.ref)) == ["healthy"]
