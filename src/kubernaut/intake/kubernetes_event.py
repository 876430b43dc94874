"""A Kubernetes Event as a signal: `v1` and `events.k8s.io/v1`.

Its labels follow the conventions of kube-state-metrics (`namespace`, and the object's name under its kind), so that
the target of an event is found as that of an alert is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec

from kubernaut.domain.errors import MalformedSignal
from kubernaut.domain.signals import Signal, SignalId
from kubernaut.intake.alert_key import alert_key
from kubernaut.intake.wire import LabelName, LabelValue, cut_annotations, decoded, is_zero, utc

SOURCE = "kubernetes-event"
_EXPECTED = "one Event of apiVersion v1 or events.k8s.io/v1, as kubectl get event -o json prints it"

_NAME_LABELS = {"Job": "job_name"}
_SEVERITIES = {"Warning": "warning", "Normal": "info"}


class _Object(msgspec.Struct):
    kind: LabelName = ""
    name: LabelValue = ""
    namespace: LabelValue | None = None
    api_version: LabelValue | None = msgspec.field(name="apiVersion", default=None)
    field_path: str | None = msgspec.field(name="fieldPath", default=None)


class _Source(msgspec.Struct):
    component: str | None = None


class _Event(msgspec.Struct):
    api_version: Literal["v1", "events.k8s.io/v1"] = msgspec.field(name="apiVersion")
    kind: Literal["Event"]
    reason: LabelValue
    type: Literal["Normal", "Warning"]
    involved: _Object | None = msgspec.field(name="involvedObject", default=None)
    regarding: _Object | None = None
    message: str | None = None
    note: str | None = None
    component: str | None = msgspec.field(name="reportingComponent", default=None)
    controller: str | None = msgspec.field(name="reportingController", default=None)
    source: _Source | None = None
    first: datetime | None = msgspec.field(name="firstTimestamp", default=None)
    deprecated_first: datetime | None = msgspec.field(name="deprecatedFirstTimestamp", default=None)
    event_time: datetime | None = msgspec.field(name="eventTime", default=None)


_decoder = msgspec.json.Decoder(_Event)


def parse_event(body: bytes, *, received_at: datetime, new_id: Callable[[], str]) -> Signal:
    """The event as a firing signal; raises `MalformedSignal`."""
    event = decoded(body, _decoder, expected=_EXPECTED)
    about, field = (event.regarding, "regarding") if event.regarding else (event.involved, "involvedObject")
    if about is None or not about.kind or not about.name:
        raise MalformedSignal(f"{field}: no kind and name", help=f"send {_EXPECTED}")
    labels = _labels(event, about)
    # The first time of a repeated event: the fault began with it.
    moment = next((time for time in (event.first, event.deprecated_first, event.event_time) if not is_zero(time)), None)
    return Signal(
        id=SignalId(new_id()),
        source=SOURCE,
        name=labels["reason"] or "unnamed",
        # An event never resolves; whether its matter is over is seen on the object.
        firing=True,
        alert_key=alert_key(SOURCE, labels),
        labels=labels,
        annotations=cut_annotations(_annotations(event, about)),
        starts_at=received_at if moment is None else utc(moment, field="firstTimestamp"),
        ends_at=None,
        received_at=received_at,
    )


def _labels(event: _Event, about: _Object) -> dict[str, str]:
    name_label = _NAME_LABELS.get(about.kind, about.kind.lower())
    labels = {
        name_label: about.name,
        "alertname": event.reason,
        "reason": event.reason,
        "severity": _SEVERITIES[event.type],
        "object_kind": about.kind,
        "object_name": about.name,
    }
    if about.api_version:
        labels["object_api_version"] = about.api_version
    if about.namespace:
        labels["namespace"] = about.namespace
    return labels


def _annotations(event: _Event, about: _Object) -> dict[str, str]:
    component = event.component or event.controller or (event.source and event.source.component)
    texts = {"message": event.note or event.message, "component": component, "field_path": about.field_path}
    return {name: text for name, text in texts.items() if text}
