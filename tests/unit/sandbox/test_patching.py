from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.domain.patches import pointer
from kubernaut.sandbox.patching import (
    PatchRefused,
    apply_json_patch,
    apply_merge_patch,
    look_up,
    parse_pointer,
    same_json,
)
from kubernaut.sandbox.strategic import apply_strategic_patch, three_way_patch

scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=3), values, max_size=4)


def _without_null(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _without_null(item) for key, item in value.items() if item is not None}
    return value


def _merge_between(before: Json, after: Json) -> Json:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    patch: dict[str, Json] = {key: None for key in before if key not in after}
    for key, value in after.items():
        if key not in before or not same_json(before[key], value):
            patch[key] = _merge_between(before.get(key), value)
    return patch


@given(objects, objects)
def test_the_merge_patch_between_two_objects_leads_from_one_to_the_other(before: JsonObject, after: JsonObject) -> None:
    start, goal = _without_null(before), _without_null(after)
    assert same_json(apply_merge_patch(start, _merge_between(start, goal)), goal)


@given(objects, values)
def test_a_merge_patch_applied_twice_changes_nothing_more(target: JsonObject, patch: Json) -> None:
    once = apply_merge_patch(target, patch)
    assert same_json(apply_merge_patch(once, patch), once)


@given(objects, st.text(max_size=4), values)
def test_what_was_added_can_be_tested_and_removed_again(target: JsonObject, key: str, value: Json) -> None:
    target.pop(key, None)
    path = pointer(key)
    added = apply_json_patch(target, [{"op": "add", "path": path, "value": value}])
    assert same_json(look_up(added, parse_pointer(path)), value)
    steps: list[Json] = [{"op": "test", "path": path, "value": value}, {"op": "remove", "path": path}]
    assert same_json(apply_json_patch(added, steps), target)


@given(objects, objects)
def test_a_refused_json_patch_leaves_the_object_as_it_was(target: JsonObject, other: JsonObject) -> None:
    shown = repr(target)
    steps: list[Json] = [{"op": "add", "path": "/new", "value": other}, {"op": "remove", "path": "/no/such/path"}]
    with pytest.raises(PatchRefused):
        apply_json_patch(target, steps)
    assert repr(target) == shown


@pytest.mark.parametrize(
    ("target", "operation", "expected"),
    [
        ({"a": [1, 3]}, {"op": "add", "path": "/a/1", "value": 2}, {"a": [1, 2, 3]}),
        ({"a": [1]}, {"op": "add", "path": "/a/-", "value": 2}, {"a": [1, 2]}),
        ({"a": {"b": 1}}, {"op": "move", "from": "/a/b", "path": "/c"}, {"a": {}, "c": 1}),
        ({"a": 1}, {"op": "copy", "from": "/a", "path": "/b"}, {"a": 1, "b": 1}),
        ({"m~n": 1}, {"op": "replace", "path": "/m~0n", "value": 2}, {"m~n": 2}),
    ],
)
def test_each_operation_does_what_the_standard_says(target: JsonObject, operation: Json, expected: Json) -> None:
    assert apply_json_patch(target, [operation]) == expected


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/missing", "value": 1},
        {"op": "add", "path": "/a/5", "value": 1},
        {"op": "remove", "path": "/a/01"},
        {"op": "test", "path": "/n", "value": True},
        {"op": "jump", "path": "/n"},
        {"op": "add", "path": "n", "value": 1},
        {"op": "move", "from": "/a", "path": "/a/0"},
        {},
    ],
)
def test_what_does_not_fit_is_refused(operation: Json) -> None:
    with pytest.raises(PatchRefused):
        apply_json_patch({"a": [1], "n": 1}, [operation])


def _pod(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"containers": list(containers)}}


def test_strategic_lists_merge_by_their_key_and_keep_the_rest() -> None:
    target = _pod({"name": "a", "image": "x:1", "env": [{"name": "A", "value": "1"}]}, {"name": "b", "image": "y:1"})
    patch = _pod({"name": "a", "image": "x:2", "env": [{"name": "B", "value": "2"}]})
    merged = apply_strategic_patch(target, patch)["spec"]
    assert merged == {
        "containers": [
            {"name": "a", "image": "x:2", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"name": "b", "image": "y:1"},
        ]
    }


def test_a_strategic_patch_deletes_an_element_by_its_key() -> None:
    target = _pod({"name": "a"}, {"name": "b"})
    assert apply_strategic_patch(target, _pod({"name": "a", "$patch": "delete"})) == _pod({"name": "b"})


def test_ports_of_a_service_merge_by_port_and_arguments_are_replaced() -> None:
    service: dict[str, Any] = {"spec": {"ports": [{"port": 80, "targetPort": 1}, {"port": 90}]}}
    patched = apply_strategic_patch(service, {"spec": {"ports": [{"port": 80, "targetPort": 2}]}})
    assert patched == {"spec": {"ports": [{"port": 80, "targetPort": 2}, {"port": 90}]}}
    assert apply_strategic_patch({"args": ["a", "b"]}, {"args": ["c"]}) == {"args": ["c"]}


def test_applying_a_manifest_again_removes_what_it_dropped_and_leaves_what_others_set() -> None:
    last: JsonObject = {
        "spec": {"replicas": 2, "paused": True, "template": _pod({"name": "a", "env": [{"name": "X", "value": "1"}]})}
    }
    live: JsonObject = {
        "spec": {
            "replicas": 2,
            "paused": True,
            "extra": 1,
            "template": _pod({"name": "a", "env": [{"name": "X", "value": "1"}], "policy": "p"}),
        }
    }
    wanted: JsonObject = {"spec": {"replicas": 3, "template": _pod({"name": "a"})}}
    merged = apply_strategic_patch(live, three_way_patch(last, wanted))
    assert merged == {"spec": {"replicas": 3, "extra": 1, "template": _pod({"name": "a", "policy": "p"})}}
