from __future__ import annotations

import json

import pytest

from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import Json, KubeObject
from kubernaut.investigation.diagnosing import diagnose, survey
from tests.objects import (
    LAST_APPLIED,
    ago,
    autoscaler,
    container,
    deployment,
    endpoint_slice,
    event,
    managed,
    namespace,
    replica_set,
    service,
    template,
    workload,
)
from tests.unit.investigation.scenes import best, causes, scene_of, texts

PLAIN = template(container())


def empty(**meta: Json) -> tuple[KubeObject, KubeObject, KubeObject, KubeObject]:
    item = deployment("checkout", PLAIN, replicas=0, **meta)
    front = service("checkout", {"app": "checkout"})
    return item, replica_set(item, 4, PLAIN), front, endpoint_slice(front)


def scaled_down(item: KubeObject, made: KubeObject, old: int = 3) -> KubeObject:
    return event(item, "ScalingReplicaSet", f"Scaled down replica set {made.name} to 0 from {old}", type="Normal")


def test_an_accidental_zero_returns_to_the_count_that_an_event_proves() -> None:
    wrote = managed("kubectl", ago(minutes=3), "spec", "replicas", subresource="scale")
    item, made, front, part = empty(managedFields=[wrote])
    found = diagnose(scene_of(item, made, front, part, scaled_down(item, made)), item.ref)
    top = best(found)
    assert (top.cause, top.verdict) == ("scaled_to_zero", Verdict.ACT)
    assert (top.remedies[0].action, top.remedies[0].parameters) == ("restore_replicas", {"replicas": 3})
    assert "replicas were written by kubectl at" in texts(found)


def test_the_scaling_down_of_an_older_revision_in_a_rollout_proves_nothing() -> None:
    item, made, front, part = empty()
    old = replica_set(item, 3, template(container(args=["old"])))
    top = best(diagnose(scene_of(item, made, old, front, part, scaled_down(item, old, 5)), item.ref))
    assert (top.cause, top.verdict) == ("scaled_to_zero", Verdict.APPROVE)
    assert top.remedies[0].parameters == {"replicas": 1}


def test_what_was_applied_proves_the_count_too() -> None:
    applied = json.dumps({"spec": {"replicas": 4}})
    item, made, front, part = empty(annotations={LAST_APPLIED: applied})
    top = best(diagnose(scene_of(item, made, front, part), item.ref))
    assert (top.verdict, top.remedies[0].parameters) == (Verdict.ACT, {"replicas": 4})


@pytest.mark.parametrize(
    "meta",
    [
        {"annotations": {"kubernaut.ai/intended": "season is over"}},
        {"annotations": {"downscaler/original-replicas": "3"}},
        {"annotations": {LAST_APPLIED: json.dumps({"spec": {"replicas": 0}})}},
        {"labels": {"scaledobject.keda.sh/name": "checkout"}},
        {"managedFields": [managed("keda-operator", ago(3), "spec", "replicas")]},
        {"ownerReferences": [{"kind": "Shop", "name": "main", "uid": "u", "controller": True, "apiVersion": "x/v1"}]},
    ],
)
def test_a_zero_that_is_wanted_is_left_alone(meta: dict[str, Json]) -> None:
    item, made, front, part = empty(**meta)
    scene = scene_of(item, made, front, part, scaled_down(item, made))
    top = best(diagnose(scene, item.ref))
    assert (top.cause, top.verdict, top.remedies) == ("intended_state", Verdict.DECLINE, ())
    assert survey(scene) == []


def test_an_annotation_that_denies_itself_marks_nothing() -> None:
    item, made, front, part = empty(annotations={"kubernaut.ai/intended": "false"})
    assert causes(diagnose(scene_of(item, made, front, part, scaled_down(item, made)), item.ref)) == ["scaled_to_zero"]


def test_a_namespace_that_sleeps_is_left_alone() -> None:
    item, made, front, part = empty()
    asleep = namespace(annotations={"downscaler/uptime": "Mon-Fri 08:00-18:00 UTC"})
    assert causes(diagnose(scene_of(item, made, front, part, asleep), item.ref)) == ["intended_state"]


def test_an_autoscalers_workload_is_only_restored_with_approval() -> None:
    item, made, front, part = empty()
    scene = scene_of(item, made, front, part, scaled_down(item, made), autoscaler("web", item))
    assert best(diagnose(scene, item.ref)).verdict is Verdict.APPROVE


def test_a_workload_that_nothing_depends_on_may_rest() -> None:
    item, made, _, _ = empty()
    assert causes(diagnose(scene_of(item, made), item.ref)) == ["intended_state"]


def test_a_service_without_pods_points_to_the_workload_that_was_scaled() -> None:
    item, made, front, part = empty()
    scene = scene_of(item, made, front, part, scaled_down(item, made))
    top = best(diagnose(scene, front.ref))
    assert (top.cause, top.target) == ("scaled_to_zero", item.ref)
    assert [found.target for found in survey(scene)] == [item.ref]


def test_a_stateful_set_is_counted_by_the_pods_that_were_deleted() -> None:
    item = workload("StatefulSet", "ledger", PLAIN, replicas=0)
    gone = [
        event(item, "SuccessfulDelete", f"delete Pod ledger-{index} in StatefulSet ledger successful", type="Normal")
        for index in (2, 1, 0)
    ]
    top = best(diagnose(scene_of(item, gone, service("ledger", {"app": "checkout"})), item.ref))
    assert (top.verdict, top.remedies[0].parameters) == (Verdict.ACT, {"replicas": 3})
