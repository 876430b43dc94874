"""Quotas that refuse pods, and nodes that are down."""

from __future__ import annotations

from kubernaut.domain.diagnosis import Diagnosis, Verdict
from kubernaut.domain.objects import Json, KubeObject
from kubernaut.investigation.diagnosing import diagnose, survey
from tests.objects import (
    ago,
    container,
    crash_loop,
    event,
    managed,
    node,
    quota,
    replica_set,
    running,
    template,
    workload,
)
from tests.unit.investigation.scenes import Rollout, best, causes, scene_of, texts

PLAIN = template(container(resources={"requests": {"cpu": "500m"}}))
MESSAGE = (
    'pods "checkout-x" is forbidden: exceeded quota: compute, requested: requests.cpu=500m, used: requests.cpu=1900m, '
    "limited: requests.cpu=2"
)


def refused(message: str, *items: KubeObject, status: str = "True") -> Diagnosis:
    rollout = Rollout(template(container()), PLAIN, old_available=2)
    failure: Json = [{"type": "ReplicaFailure", "status": status, "reason": "FailedCreate", "message": message}]
    made = replica_set(rollout.deployment, 7, PLAIN, desired=3, age=ago(minutes=9), conditions=failure)
    scene = scene_of(rollout.deployment, rollout.before, made, event(made, "FailedCreate", message, count=14), *items)
    return diagnose(scene, rollout.deployment.ref)


def test_a_quota_that_is_used_up_goes_to_people() -> None:
    found = refused(MESSAGE, quota("compute", {"requests.cpu": "2"}, {"requests.cpu": "1900m"}))
    assert (best(found).cause, best(found).verdict) == ("quota_exceeded", Verdict.ESCALATE)
    assert "requests.cpu: 1900m of 2 used, 500m asked for" in texts(found)


def test_a_quota_that_asks_for_declarations_is_one_too() -> None:
    message = 'pods "checkout-x" is forbidden: failed quota: compute: must specify limits.memory for: app'
    found = refused(message, quota("compute", {"limits.memory": "2Gi"}, {"limits.memory": "1Gi"}))
    assert best(found).cause == "quota_exceeded"


def test_a_refusal_that_is_over_does_not_count() -> None:
    roomy = quota("compute", {"requests.cpu": "8"}, {"requests.cpu": "1900m"})
    assert "quota_exceeded" not in causes(refused(MESSAGE, roomy))
    full = quota("compute", {"requests.cpu": "2"}, {"requests.cpu": "1900m"})
    assert "quota_exceeded" not in causes(refused(MESSAGE, full, status="False"))


def test_another_refusal_is_unknown_with_its_words() -> None:
    found = refused('pods "x" is forbidden: node labels cannot be set by this user')
    assert causes(found) == ["unknown"]
    assert "node labels cannot be set" in texts(found)


def test_a_stateful_set_that_a_quota_refuses_is_found_by_its_fresh_events() -> None:
    item = workload("StatefulSet", "ledger", PLAIN, replicas=2)
    told = event(item, "FailedCreate", f"create Pod ledger-0 in StatefulSet ledger failed error: {MESSAGE}")
    full = quota("compute", {"requests.cpu": "2"}, {"requests.cpu": "1900m"})
    assert best(diagnose(scene_of(item, told, full), item.ref)).cause == "quota_exceeded"


def test_a_silent_node_is_cordoned_with_approval() -> None:
    down = node("w1", ready="Unknown")
    found = diagnose(scene_of(down), down.ref)
    assert (best(found).cause, best(found).verdict) == ("node_not_ready", Verdict.APPROVE)
    assert best(found).remedies[0].action == "cordon_node"
    assert "Kubelet stopped posting node status for 6 min" in texts(found)


def test_pods_on_a_dead_node_are_victims_and_the_survey_names_the_node_once() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=9000, new_available=1)
    down = node("w1", ready="Unknown")
    lost = rollout.pods(running(ready=False), 2, node="w1")
    rest = rollout.pods(running(), 3, node="w2")[2:]
    scene = scene_of(rollout.parts, lost, rest, down, node("w2"))
    top = best(diagnose(scene, rollout.deployment.ref))
    assert (top.cause, top.target) == ("node_not_ready", down.ref)
    assert [(found.target, best(found).cause) for found in survey(scene)] == [(down.ref, "node_not_ready")]


def test_pods_that_crash_on_healthy_nodes_are_not_the_dead_nodes_victims() -> None:
    rollout = Rollout(template(container()), PLAIN)
    scene = scene_of(rollout.parts, rollout.pods(crash_loop(), node="w2"), node("w1", ready="Unknown"), node("w2"))
    assert best(diagnose(scene, rollout.deployment.ref)).cause == "crash_after_change"


def test_a_node_that_joins_or_is_in_maintenance_is_left_alone() -> None:
    young = node("w1", ready="False", creationTimestamp=ago(minutes=1))
    assert causes(diagnose(scene_of(young), young.ref)) == ["rollout_in_progress"]
    mark: Json = {"maintenance.example/by": "anna"}
    away = node("w1", ready="Unknown", cordoned=True, annotations=mark)
    assert causes(diagnose(scene_of(away), away.ref)) == ["intended_state"]
    drained = node("w1", cordoned=True, managedFields=[managed("kubectl", ago(9), "spec", "unschedulable")])
    assert causes(diagnose(scene_of(drained), drained.ref)) == ["intended_state"]
    assert survey(scene_of(drained)) == []
