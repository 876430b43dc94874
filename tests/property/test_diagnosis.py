"""What holds for every scene, also for those that no cluster would show."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubernaut.domain.diagnosis import Diagnosis, Verdict
from kubernaut.domain.evidence import EvidenceSource
from kubernaut.domain.objects import Json, KubeObject
from kubernaut.investigation.causes import catalogue
from kubernaut.investigation.diagnosing import diagnose, survey
from kubernaut.investigation.scene import Scene
from tests.objects import (
    NOW,
    ago,
    configuration,
    container,
    crash_loop,
    deployment,
    endpoint_slice,
    event,
    node,
    replica_set,
    running,
    service,
    template,
    unschedulable,
    waiting,
)
from tests.unit.investigation.scenes import ALL, Rollout, scene_of

WORDS = [
    "",
    "True",
    "False",
    "Running",
    "Pending",
    "app",
    "shop",
    "checkout",
    "OOMKilled",
    "CrashLoopBackOff",
    "-1",
    "1Gi",
]
MOMENTS = [ago(), "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-13-45", "0001-01-01T00:00:00+23:59"]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.sampled_from([*WORDS, *MOMENTS]),
    st.text(max_size=8),
)


def paths_of(value: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += paths_of(item, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            found += paths_of(item, (*path, index))
    return found


JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=8,
)


def replaced(value: Json, path: tuple[str | int, ...], by: Json) -> Json:
    if not path:
        return by
    step, *rest = path
    if isinstance(value, dict):
        return {key: replaced(item, tuple(rest), by) if key == step else item for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, tuple(rest), by) if index == step else item for index, item in enumerate(value)]
    return value


def by_crash() -> list[KubeObject]:
    source = [{"configMapRef": {"name": "flags"}}]
    rollout = Rollout(template(container()), template(container(args=["x"], envFrom=source)))
    pods = rollout.pods(crash_loop())
    return [*rollout.parts, *pods, node(), configuration("ConfigMap", "flags", ["a"]), event(pods[0], "BackOff", "x")]


def by_absence() -> list[KubeObject]:
    source = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "flags-v2", "key": "a"}}}]
    rollout = Rollout(template(container()), template(container(env=source)), old_available=3)
    pods = rollout.pods(waiting("CreateContainerConfigError", 'configmap "flags-v2" not found'), 1)
    return [*rollout.parts, *pods, node()]


def by_selector() -> list[KubeObject]:
    rollout = Rollout(template(container()), template(container(), nodeSelector={"disk": "nvme"}), old_available=3)
    message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    return [*rollout.parts, *rollout.pods(None, 1, node=None, conditions=unschedulable(message)), node()]


def by_service() -> list[KubeObject]:
    rollout = Rollout(template(container()), template(container(args=["x"])), new_available=3, minutes_ago=900)
    front = service("checkout", {"app": "chekout"})
    return [*rollout.parts, *rollout.pods(running()), node(), front, endpoint_slice(front)]


def by_scale() -> list[KubeObject]:
    wanted = template(container())
    item = deployment("checkout", wanted, replicas=0)
    made = replica_set(item, 2, wanted)
    told = event(item, "ScalingReplicaSet", f"Scaled down replica set {made.name} to 0 from 3", type="Normal")
    front = service("checkout", {"app": "checkout"})
    return [item, made, told, front, endpoint_slice(front)]


FAULTS = [by_crash, by_absence, by_selector, by_service, by_scale]


def check(found: Diagnosis) -> None:
    known = {fact.id for fact in found.evidence}
    assert len(known) == len(found.evidence)
    for hypothesis in found.hypotheses:
        assert hypothesis.supporting or not hypothesis.confidence, "a claim without evidence"
        assert {*hypothesis.supporting, *hypothesis.contradicting} <= known
        assert 0 <= hypothesis.confidence <= 1
        assert hypothesis.summary.isprintable()
    assert all(fact.text.isprintable() for fact in found.evidence)


@pytest.mark.parametrize("build", FAULTS)
@given(path=st.data())
@settings(max_examples=80, deadline=None)
def test_no_shape_of_an_object_breaks_a_diagnosis(build: Callable[[], list[KubeObject]], path: st.DataObject) -> None:
    objects = build()
    for _ in range(path.draw(st.integers(1, 3))):
        index = path.draw(st.integers(0, len(objects) - 1))
        raw = dict(objects[index].raw)
        spot = path.draw(st.sampled_from(paths_of(raw)))
        changed = replaced(raw, spot, path.draw(JSON))
        assert isinstance(changed, dict)
        objects[index] = KubeObject(changed)
    scene = scene_of(objects)
    for item in objects:
        check(diagnose(scene, item.ref))
    for found in survey(scene):
        check(found)


@given(st.lists(st.dictionaries(st.sampled_from(["kind", "metadata", "spec", "status"]), JSON), max_size=6))
@settings(deadline=None)
def test_no_json_at_all_breaks_a_survey(raw: list[dict[str, Json]]) -> None:
    scene = Scene(now=NOW, objects=[KubeObject(item) for item in raw], whole=[("Pod", "")])
    for found in survey(scene):
        check(found)


@pytest.mark.parametrize("build", FAULTS)
@given(unread=st.frozensets(st.sampled_from(sorted(ALL))))
@settings(max_examples=60, deadline=None)
def test_what_could_not_be_read_never_leads_to_an_act_on_an_absence(
    build: Callable[[], list[KubeObject]], unread: frozenset[str]
) -> None:
    scene = scene_of(build(), unread=unread)
    for found in survey(scene):
        check(found)
        top = found.best
        assert top is not None
        cause = next(entry for entry in catalogue() if entry.id == top.cause)
        if top.verdict is Verdict.ACT:
            assert not {*cause.needs} & unread
        for fact in found.cited(top):
            if fact.source is EvidenceSource.ABSENCE:
                assert not {*cause.needs} & unread or top.verdict is not Verdict.ACT


@pytest.mark.parametrize("build", FAULTS)
def test_with_everything_read_each_of_these_faults_is_acted_on(build: Callable[[], list[KubeObject]]) -> None:
    assert [found.best.verdict for found in survey(scene_of(build())) if found.best] == [Verdict.ACT]
