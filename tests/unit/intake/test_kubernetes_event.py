from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.domain.errors import MalformedSignal
from kubernaut.domain.signals import Signal
from kubernaut.intake import parse_event

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def parse(body: object) -> Signal:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse_event(raw, received_at=NOW, new_id=lambda: "sig-1")


def an_event(**changes: object) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "checkout-1.17f", "namespace": "shop"},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": "shop",
            "name": "checkout-1",
            "fieldPath": "spec.containers{app}",
        },
        "reason": "BackOff",
        "message": "Back-off restarting failed container",
        "type": "Warning",
        "firstTimestamp": "2026-03-04T11:50:00Z",
        "lastTimestamp": "2026-03-04T11:59:00Z",
        "eventTime": None,
        "count": 12,
        "source": {"component": "kubelet", "host": "worker-1"},
        "reportingComponent": "kubelet",
        **changes,
    }


def test_an_event_becomes_a_signal_that_names_its_object_as_kube_state_metrics_would() -> None:
    signal = parse(an_event())

    assert (signal.source, signal.name, signal.severity, signal.firing) == (
        "kubernetes-event",
        "BackOff",
        "warning",
        True,
    )
    assert signal.labels["namespace"] == "shop"
    assert signal.labels["pod"] == "checkout-1"
    assert signal.labels["object_kind"] == "Pod"
    assert signal.annotations["message"] == "Back-off restarting failed container"
    assert signal.annotations["field_path"] == "spec.containers{app}"
    assert signal.starts_at == datetime(2026, 3, 4, 11, 50, tzinfo=UTC)


def test_an_event_of_the_newer_kind_is_read_alike() -> None:
    event = an_event(
        apiVersion="events.k8s.io/v1",
        note="Back-off",
        eventTime="2026-03-04T11:55:00.000001Z",
        regarding={"apiVersion": "batch/v1", "kind": "Job", "namespace": "shop", "name": "import"},
    )
    for gone in ("involvedObject", "message", "firstTimestamp"):
        del event[gone]

    signal = parse(event)

    assert signal.labels["job_name"] == "import"
    assert signal.annotations["message"] == "Back-off"
    assert signal.starts_at == datetime(2026, 3, 4, 11, 55, 0, 1, tzinfo=UTC)


def test_a_repetition_of_an_event_has_the_same_key() -> None:
    again = an_event(count=13, message="Back-off, again", lastTimestamp="2026-03-04T12:00:00Z")

    assert parse(again).alert_key == parse(an_event()).alert_key


def test_an_event_about_a_node_has_no_namespace() -> None:
    signal = parse(an_event(involvedObject={"kind": "Node", "name": "worker-1"}, type="Normal", reason="NodeNotReady"))

    assert signal.labels["node"] == "worker-1"
    assert "namespace" not in signal.labels
    assert signal.severity == "info"


def test_an_event_without_any_time_began_when_it_came() -> None:
    assert parse(an_event(firstTimestamp=None)).starts_at == NOW


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"nonsense", "no JSON"),
        (an_event(kind="Pod"), "kind"),
        (an_event(apiVersion="v2"), "apiVersion"),
        (an_event(type="Odd"), "type"),
        (an_event(involvedObject=None), "involvedObject: no kind and name"),
        (an_event(involvedObject={"kind": "Pod"}), "involvedObject: no kind and name"),
        (an_event(reason=3), "reason"),
        (an_event(reason="x" * 9000), "reason: Expected `str` of length <= 8192"),
        (an_event(firstTimestamp="soon"), "firstTimestamp"),
    ],
)
def test_what_is_no_event_is_refused_with_the_field_and_the_way_out(body: object, said: str) -> None:
    with pytest.raises(MalformedSignal) as refusal:
        parse(body)

    assert said in str(refusal.value)
    assert refusal.value.help


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_nothing_but_a_refusal(body: bytes) -> None:
    with pytest.raises(MalformedSignal):
        parse(body)


@given(
    st.sampled_from(["reason", "type", "involvedObject", "regarding", "message", "eventTime", "firstTimestamp"]),
    st.none() | st.text() | st.dictionaries(st.sampled_from(["kind", "name", "namespace"]), st.text()),
)
def test_any_value_in_any_field_is_taken_or_refused(field: str, value: object) -> None:
    with suppress(MalformedSignal):
        signal = parse(an_event(**{field: value}))
        assert signal.labels["object_name"]
