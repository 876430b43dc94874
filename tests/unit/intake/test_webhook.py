from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.domain.errors import MalformedSignal
from kubernaut.intake import Batch, parse_webhook
from kubernaut.intake.wire import ANNOTATION_CHARS, LABEL_CHARS, MOST

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def new_ids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"sig-{next(numbers)}"


def parse(body: object) -> Batch:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse_webhook(raw, received_at=NOW, new_id=new_ids())


def an_alert(**changes: object) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {"alertname": "KubePodNotReady", "namespace": "shop", "pod": "checkout-1", "severity": "critical"},
        "annotations": {"summary": "not ready"},
        "startsAt": "2026-03-04T11:45:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": "0123456789abcdef",
        **changes,
    }


def a_webhook(*alerts: dict[str, Any], **changes: object) -> dict[str, Any]:
    return {"version": "4", "status": "firing", "receiver": "r", "groupKey": "{}", "alerts": list(alerts), **changes}


def test_an_alert_becomes_a_signal_with_all_it_carries() -> None:
    [signal] = parse(a_webhook(an_alert())).signals

    assert signal.id == "sig-1"
    assert signal.source == "alertmanager"
    assert signal.name == "KubePodNotReady"
    assert signal.firing
    assert signal.severity == "critical"
    assert signal.labels["pod"] == "checkout-1"
    assert signal.annotations == {"summary": "not ready"}
    assert signal.starts_at == datetime(2026, 3, 4, 11, 45, 0, 123457, tzinfo=UTC)
    assert signal.ends_at is None
    assert signal.received_at == NOW


def test_every_alert_of_a_batch_is_taken_in_order_firing_and_resolved() -> None:
    ended = an_alert(status="resolved", endsAt="2026-03-04T11:59:00+01:00")

    first, second, third = parse(a_webhook(an_alert(), ended, an_alert())).signals

    assert [first.firing, second.firing, third.firing] == [True, False, True]
    assert second.ends_at == datetime(2026, 3, 4, 10, 59, tzinfo=UTC)
    assert len({first.id, second.id, third.id}) == 3


def test_a_firing_and_its_resolution_have_the_same_key() -> None:
    firing, resolved = parse(a_webhook(an_alert(), an_alert(status="resolved"))).signals

    assert firing.alert_key == resolved.alert_key


def test_the_time_at_which_a_firing_alert_would_expire_is_no_end() -> None:
    [signal] = parse(a_webhook(an_alert(endsAt="2026-03-04T12:05:00Z"))).signals

    assert signal.ends_at is None


def test_an_alert_without_a_start_began_when_it_came() -> None:
    [signal] = parse(a_webhook(an_alert(startsAt="0001-01-01T00:00:00Z"))).signals

    assert signal.starts_at == NOW


def test_alerts_that_the_sender_left_out_are_counted() -> None:
    assert parse(a_webhook(an_alert(), truncatedAlerts=7)).left_out == 7


def test_fields_of_later_versions_are_passed_over() -> None:
    assert len(parse(a_webhook(an_alert(shiny={"new": [1]}), another=True)).signals) == 1


def test_control_characters_are_kept_as_they_are() -> None:
    text = "\x1b[31mred\x00\r\n\u202e"
    [signal] = parse(a_webhook(an_alert(labels={"alertname": "A", "note": text}))).signals

    assert signal.labels["note"] == text


def test_long_annotations_are_cut_and_say_so() -> None:
    whole = "y" * ANNOTATION_CHARS
    [signal] = parse(a_webhook(an_alert(annotations={"summary": whole + "x", "short": whole}))).signals

    assert signal.annotations == {"summary": whole + " [cut]", "short": whole}


def test_the_first_of_too_many_annotations_and_the_beginning_of_a_long_name_are_kept() -> None:
    many = {f"a{number}": "" for number in range(MOST + 1)}
    first, second = parse(a_webhook(an_alert(annotations=many), an_alert(annotations={"n" * 20_000: "x"}))).signals

    assert list(first.annotations) == list(many)[:-1]
    assert list(second.annotations) == ["n" * ANNOTATION_CHARS]


def test_an_alert_with_labels_beyond_all_bounds_is_taken_and_so_are_the_others_of_its_request() -> None:
    long, longer, many = "x" * LABEL_CHARS + "a", "x" * LABEL_CHARS + "b", {f"label_{n}": "" for n in range(300)}
    odd = [
        an_alert(labels={"alertname": "A", "message": long}),
        an_alert(labels={"alertname": "A", "message": longer}),
        an_alert(labels={"alertname": "A", "n" * 20_000: "x"}),
        an_alert(labels={"alertname": "A", **many, "pod": "checkout-1"}),
    ]
    first, second, third, fourth, last = parse(a_webhook(*odd, an_alert())).signals

    assert first.labels == second.labels == {"alertname": "A", "message": "x" * LABEL_CHARS + " [cut]"}
    assert first.alert_key != second.alert_key
    assert third.labels["n" * LABEL_CHARS] == "x"
    assert (len(fourth.labels), fourth.labels["pod"]) == (MOST, "checkout-1")
    assert last.labels["pod"] == "checkout-1"


@pytest.mark.parametrize("odd", ["9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2026-03-04T12:00:01Z"])
def test_an_alert_begins_at_the_latest_when_it_is_received(odd: str) -> None:
    [signal] = parse(a_webhook(an_alert(startsAt=odd))).signals
    assert signal.starts_at == NOW


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[]", "body: Expected `object`"),
        (b"\xff\xfe", ""),
        (b"[" * 100_000, ""),
        ({}, "alerts"),
        (a_webhook(an_alert(), version="3"), "version: '3'"),
        ({"alerts": []}, "version: ''"),
        (a_webhook(an_alert(), an_alert(status="pending")), "alerts[1].status"),
        (a_webhook(an_alert(startsAt="yesterday")), "alerts[0].startsAt"),
        (a_webhook(an_alert(startsAt="2026-03-04T12:00:00")), "alerts[0].startsAt: no time zone"),
        (a_webhook(an_alert(startsAt="9999-12-31T23:59:59-12:00")), "alerts[0].startsAt: out of range"),
        (a_webhook(an_alert(labels={})), "alerts[0].labels: Expected `object` of"),
        (a_webhook(an_alert(labels={"a": 1})), "alerts[0].labels"),
    ],
)
def test_a_body_that_is_no_webhook_is_refused_with_the_field_and_the_way_out(body: object, said: str) -> None:
    with pytest.raises(MalformedSignal) as refusal:
        parse(body)

    assert said in str(refusal.value)
    assert refusal.value.help


@given(st.binary(max_size=400))
def test_arbitrary_bytes_raise_nothing_but_a_refusal(body: bytes) -> None:
    _parse_or_refuse(body)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("0001-01-01T00:00:00+09:00"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_alert_fields = st.sampled_from(["status", "labels", "annotations", "startsAt", "endsAt"])
_texts = st.dictionaries(st.text(), st.text(), max_size=4)


@given(_alert_fields, _json | _texts)
def test_any_value_in_any_field_is_taken_or_refused(field: str, value: object) -> None:
    _parse_or_refuse(json.dumps(a_webhook(an_alert(**{field: value}))).encode())


@given(st.datetimes(), st.sampled_from(["Z", "+14:00", "-12:00", ""]), st.sampled_from(["startsAt", "endsAt"]))
def test_any_time_is_taken_or_refused(moment: datetime, zone: str, field: str) -> None:
    body = a_webhook(an_alert(status="resolved", **{field: moment.isoformat() + zone}))

    _parse_or_refuse(json.dumps(body).encode())


def _parse_or_refuse(body: bytes) -> None:
    with suppress(MalformedSignal):
        signals = parse(body).signals
        assert all(signal.starts_at.tzinfo is UTC and signal.labels for signal in signals)
