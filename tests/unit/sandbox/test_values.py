from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.domain.objects import Json, JsonObject, KubeObject, Tree
from kubernaut.domain.selectors import equals, matches
from kubernaut.sandbox.controllers.fitting import Load, reasons_against, refusal_message
from kubernaut.sandbox.failures import Failure
from kubernaut.sandbox.kubelet.back_off import back_off_s
from kubernaut.sandbox.managed_fields import Writer, record_write
from kubernaut.sandbox.selectors import parse_fields, parse_selector


@given(
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(["x", "y"])),
    st.sampled_from("abc"),
    st.sampled_from(["x", "y"]),
)
def test_a_requirement_and_its_opposite_never_agree(labels: dict[str, str], key: str, value: str) -> None:
    assert matches(parse_selector(f"{key}={value}"), labels) is not matches(parse_selector(f"{key}!={value}"), labels)
    assert matches(parse_selector(f"{key} in ({value})"), labels) is not matches(
        parse_selector(f"{key} notin ({value})"), labels
    )
    assert matches(parse_selector(key), labels) is not matches(parse_selector(f"!{key}"), labels)


@given(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["x", "y"])))
def test_every_object_is_selected_by_its_own_labels(labels: dict[str, str]) -> None:
    assert matches(equals(labels), labels)


@pytest.mark.parametrize("text", ["a=b=c", "in (x)", "a in x", "=", "a,,b", "-a"])
def test_a_selector_that_cannot_be_read_is_a_bad_request(text: str) -> None:
    with pytest.raises(Failure) as refused:
        parse_selector(text)
    assert refused.value.http_code == 400


def test_fields_can_be_asked_for_only_where_the_kind_knows_them() -> None:
    (claim,) = parse_fields("status.phase!=Running", "pods")
    assert claim.holds({"status": {"phase": "Pending"}})
    with pytest.raises(Failure):
        parse_fields("status.phase=Running", "services")


@given(st.integers(1, 60))
def test_the_back_off_doubles_from_ten_seconds_to_five_minutes(failures: int) -> None:
    assert back_off_s(1) == 10
    assert back_off_s(failures) <= back_off_s(failures + 1) <= 300
    assert back_off_s(failures + 1) in (2 * back_off_s(failures), 300)


def _node(name: str, **spec: Json) -> KubeObject:
    room: JsonObject = {"cpu": "2", "memory": "4Gi", "pods": "10"}
    return KubeObject(
        {"metadata": {"name": name, "labels": {"zone": name}}, "spec": spec, "status": {"allocatable": room}}
    )


def _pod(**spec: Json) -> KubeObject:
    return KubeObject({"metadata": {"name": "p", "namespace": "n"}, "spec": {"containers": [{}], **spec}})


def _wants(cpu: str) -> KubeObject:
    return _pod(containers=[{"resources": {"requests": {"cpu": cpu}}}])


def _message(pod: KubeObject, *nodes: KubeObject) -> str:
    return refusal_message([reasons_against(pod, node, Load()) for node in nodes])


def test_a_selector_that_no_node_satisfies_is_told_in_the_words_of_the_scheduler() -> None:
    assert _message(_pod(nodeSelector={"zone": "z"}), _node("a"), _node("b"), _node("c")) == (
        "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. "
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )


def test_different_reasons_are_counted_apart() -> None:
    taint: JsonObject = {"key": "team", "value": "x", "effect": "NoSchedule"}
    nodes = [_node("a"), _node("b", taints=[taint]), _node("c", unschedulable=True)]
    assert _message(_wants("3"), *nodes) == (
        "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), "
        "1 node(s) were unschedulable. "
        "preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, "
        "2 Preemption is not helpful for scheduling."
    )


def test_a_toleration_opens_a_tainted_node() -> None:
    taint: JsonObject = {"key": "team", "value": "x", "effect": "NoSchedule"}
    toleration: JsonObject = {"key": "team", "operator": "Equal", "value": "x"}
    assert reasons_against(_pod(tolerations=[toleration]), _node("a", taints=[taint]), Load()) == []


def test_a_manager_owns_what_it_changed_last() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    first: dict[str, Any] = {"apiVersion": "v1", "metadata": {}, "spec": {"a": 1, "b": [{"name": "x"}]}}
    record_write(None, first, Writer("one"), now)
    second: dict[str, Any] = {**first, "metadata": dict(first["metadata"]), "spec": {"a": 2, "b": [{"name": "x"}]}}
    record_write(first, second, Writer("two"), now)
    owned = {entry["manager"]: Tree(entry) for entry in second["metadata"]["managedFields"]}
    assert owned["two"].at("fieldsV1") == {"f:spec": {"f:a": {}}}
    assert not owned["one"].has("fieldsV1", "f:spec", "f:a")
    assert owned["one"].has("fieldsV1", "f:spec", "f:b")
