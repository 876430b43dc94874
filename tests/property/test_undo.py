"""For any object: what an action touched is restored exactly, and nothing else is."""

from __future__ import annotations

import asyncio
import copy
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.changes import ObjectPatch, PatchOperation
from kubernaut.domain.diagnosis import ActionCall, ActionId, Parameter
from kubernaut.domain.execution import Applied, Refused
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef, Uid
from kubernaut.domain.patches import ABSENT, patched, pointer, tokens, value_at
from kubernaut.domain.snapshots import changed_since, inverse_of, is_undone
from kubernaut.execution.catalogue import discover
from kubernaut.execution.previewing import ExecutionPorts, intend
from kubernaut.execution.sequences import apply, undo
from tests.remedies import CASES, Case, contents, names, town
from tests.remedies import StillClock as TownClock

CATALOGUE = discover()
DEPLOYMENT = ObjectRef("apps/v1", "Deployment", "shop", "checkout")
SERVICE = ObjectRef("v1", "Service", "shop", "checkout")
NODE = ObjectRef("v1", "Node", "", "n1")
CORDONED = ObjectRef("v1", "Node", "", "n3")

keys = st.text(st.sampled_from("ab/~.-0é"), min_size=1, max_size=6)
scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5)
values: st.SearchStrategy[Json] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8
)
objects = st.dictionaries(keys, values, max_size=4)
annotations = st.none() | st.dictionaries(keys, st.text(max_size=4), max_size=3)


class StillClock:
    def now(self) -> datetime:
        return datetime(2026, 5, 4, tzinfo=UTC)

    async def sleep(self, duration: timedelta) -> None:
        raise AssertionError(duration)


def with_annotations(metadata: JsonObject, chosen: dict[str, str] | None) -> JsonObject:
    return metadata if chosen is None else {**metadata, "annotations": dict(chosen)}


@st.composite
def templates(draw: st.DrawFn) -> JsonObject:
    app: JsonObject = {
        **draw(objects),
        "name": "app",
        "image": draw(st.sampled_from(["a:1", "a:2"])),
        "resources": {"limits": {"memory": draw(st.sampled_from(["64Mi", "0.5Gi", "1G", "300M"]))}},
        "ports": [{"name": "http", "containerPort": 8080}],
    }
    others: list[Json] = [{"name": f"side-{index}"} for index in range(draw(st.integers(0, 2)))]
    containers = draw(st.permutations([app, *others]))
    metadata = with_annotations({"labels": {"app": "x"}}, draw(annotations))
    return {"metadata": metadata, "spec": {"containers": list(containers), "extra": draw(values)}}


@st.composite
def shops(draw: st.DrawFn) -> list[JsonObject]:
    replicas = draw(st.integers(0, 4))
    spec: JsonObject = {"replicas": replicas, "template": draw(templates()), "extra": draw(values)}
    owner: JsonObject = {"kind": "Deployment", "name": "checkout", "uid": "d", "controller": True}
    old = copy.deepcopy(draw(templates()))
    selector: JsonObject = dict.fromkeys(draw(st.lists(st.sampled_from(["app", "b", "c/d"]), min_size=1)), "x")
    selector["wrong"] = "yes"
    node_spec = draw(st.sampled_from([{}, {"unschedulable": True}, {"unschedulable": False}, {"taints": []}]))
    ready: JsonObject = {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": {"memory": "900Gi"}}
    port: JsonObject = {"port": 80, **({"name": "web"} if draw(st.booleans()) else {})}
    if draw(st.booleans()):
        port["targetPort"] = draw(st.sampled_from(["nope", 9999]))
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "checkout", "namespace": "shop", "uid": "d", "generation": 1},
            "spec": spec,
            "status": {
                "observedGeneration": 1,
                "updatedReplicas": replicas,
                "replicas": replicas,
            },
        },
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": "r",
                "namespace": "shop",
                "annotations": {"deployment.kubernetes.io/revision": "3"},
                "ownerReferences": [owner],
            },
            "spec": {"template": old},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "checkout", "namespace": "shop"},
            "spec": {"selector": selector if draw(st.booleans()) else {"app": "x"}, "ports": [{"port": 1}, port]},
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p", "namespace": "shop", "labels": {"app": "x"}},
            "spec": {"containers": [{"name": "app", "ports": [{"name": "http", "containerPort": 8080}]}]},
            "status": copy.deepcopy(ready),
        },
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": dict(node_spec), "status": ready},
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": "n3"},
            "spec": {"unschedulable": True, "extra": draw(values)},
            "status": copy.deepcopy(ready),
        },
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n2"}, "spec": {}, "status": copy.deepcopy(ready)},
    ]


def call(action: str, target: ObjectRef, **parameters: Parameter) -> ActionCall:
    return ActionCall(ActionId(action), target, parameters)


CALLS = [
    call("rollback_deployment", DEPLOYMENT, revision=3),
    call("increase_memory_limit", DEPLOYMENT, container="app", factor=1.7),
    call("scale_workload", DEPLOYMENT, replicas=5),
    call("restore_replicas", DEPLOYMENT, replicas=2),
    call("fix_service_selector", SERVICE, selector="app=x"),
    call("fix_service_port", SERVICE, port="80", target_port="8080"),
    call("cordon_node", NODE),
    call("uncordon_node", CORDONED),
]


async def there_and_back(shop: list[JsonObject], wanted: ActionCall) -> None:
    cluster = MemoryCluster(shop)
    ports = ExecutionPorts(cluster, cluster, StillClock(), CATALOGUE)
    before = cluster.raw(wanted.target)
    intent = await intend(ports, wanted)
    event(intent.guard if isinstance(intent, Refused) else "applied")
    if isinstance(intent, Refused):
        assert intent.reason
        assert cluster.raw(wanted.target) == before
        return
    done = await apply(ports, intent)
    after = cluster.raw(wanted.target)
    assert done.applied is Applied.DONE
    assert intent.preview.diff
    assert after["spec"] != before["spec"]
    back = await undo(ports, intent)
    assert (back.applied, back.reason) == (Applied.DONE, "equal to the snapshot")
    assert cluster.raw(wanted.target)["spec"] == before["spec"] == intent.snapshot["spec"]


@pytest.mark.parametrize("wanted", CALLS, ids=lambda wanted: str(wanted.action))
@settings(max_examples=60, deadline=None)
@given(shop=shops())
def test_undo_after_apply_restores_the_spec_exactly(shop: list[JsonObject], wanted: ActionCall) -> None:
    asyncio.run(there_and_back(shop, wanted))


@given(st.lists(keys, max_size=5))
def test_a_pointer_leads_back_to_the_path_it_was_made_of(path: list[str]) -> None:
    assert tokens(pointer(*path)) == path


@given(objects, st.lists(keys, min_size=1, max_size=3), values)
def test_a_value_that_is_set_at_any_key_is_read_there(root: JsonObject, path: list[str], value: Json) -> None:
    holder: JsonObject = root
    for key in path[:-1]:
        child: JsonObject = {}
        holder[key] = child
        holder = child
    result = patched(root, [PatchOperation("add", pointer(*path), value)])
    assert value_at(result, pointer(*path)) == value


@given(objects, keys, values)
def test_the_inverse_of_any_single_set_gives_the_object_back(root: JsonObject, key: str, value: Json) -> None:
    root = {**root, "kind": "Thing", "apiVersion": "v1"}
    assume(key not in {"kind", "apiVersion"})
    change = ObjectPatch(DEPLOYMENT, Uid("u"), "1", (PatchOperation("add", pointer(key), value),))
    after = patched(root, change.operations)
    way_back = inverse_of(change, KubeObject(root), KubeObject(after))
    assert changed_since(way_back, KubeObject(after)) is None
    assert patched(after, way_back.operations) == root
    assert is_undone(way_back, KubeObject(root))


@given(objects, keys)
def test_the_inverse_of_a_removal_knows_that_the_place_must_be_empty(root: JsonObject, key: str) -> None:
    root = {**root, key: "was here"}
    change = ObjectPatch(DEPLOYMENT, Uid("u"), "1", (PatchOperation("remove", pointer(key)),))
    after = patched(root, change.operations)
    way_back = inverse_of(change, KubeObject(root), KubeObject(after))
    assert changed_since(way_back, KubeObject(after)) is None
    assert changed_since(way_back, KubeObject({**after, key: "another"})) == pointer(key)
    assert patched(after, way_back.operations) == root
    assert value_at(after, pointer(key)) is ABSENT


@pytest.mark.parametrize("case", [one for one in CASES if CATALOGUE[one.action].reversible], ids=names)
@settings(max_examples=8, deadline=None)
@given(extra=values, marks=st.dictionaries(keys, st.text(max_size=4), max_size=2))
def test_every_action_leaves_any_object_as_it_found_it(case: Case, extra: Json, marks: dict[str, str]) -> None:
    async def there_and_back_again() -> None:
        objects = town()
        for raw in objects:
            spec, metadata = raw.get("spec"), raw["metadata"]
            if isinstance(spec, dict) and raw["kind"] not in {"Job", "CronJob"}:
                spec["extra"] = copy.deepcopy(extra)
            if marks and isinstance(metadata, dict) and "annotations" not in metadata:
                metadata["annotations"] = dict(marks)
        cluster = MemoryCluster(objects)
        ports = ExecutionPorts(cluster, cluster, TownClock(), CATALOGUE)
        before = contents(cluster)
        intent = await intend(ports, case.call)
        assert not isinstance(intent, Refused), intent.reason
        assert (await apply(ports, intent)).applied is Applied.DONE
        back = await undo(ports, intent)
        assert back.applied is (Applied.DONE if intent.can_be_undone else Applied.REFUSED)
        anew = {address for address in before if address.kind == "Pod" and case.action != "quarantine_pod"}
        left = contents(cluster)
        if not CATALOGUE[case.action].replaced:
            assert {k: v for k, v in left.items() if k not in anew} == {
                k: v for k, v in before.items() if k not in anew
            }

    asyncio.run(there_and_back_again())
