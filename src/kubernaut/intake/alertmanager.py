"""The webhook of Alertmanager, version 4 (its documentation: `webhook_config`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from kubernaut.domain.errors import MalformedSignal
from kubernaut.domain.signals import Signal, SignalId
from kubernaut.intake.alert_key import alert_key
from kubernaut.intake.wire import Labels, cut_annotations, decoded, is_zero, utc

SOURCE = "alertmanager"
_EXPECTED = "the body of an Alertmanager webhook, version 4"


class _Alert(msgspec.Struct):
    status: Literal["firing", "resolved"]
    labels: Labels
    # Fields that are not named here are passed over: senders add their own, and newer versions more.
    starts_at: datetime = msgspec.field(name="startsAt")
    ends_at: datetime | None = msgspec.field(name="endsAt", default=None)
    annotations: dict[str, str] | None = None


class _Webhook(msgspec.Struct):
    alerts: list[_Alert]
    version: str = ""
    truncated: int = msgspec.field(name="truncatedAlerts", default=0)


_decoder = msgspec.json.Decoder(_Webhook)


@dataclass(frozen=True, slots=True)
class Batch:
    """The alerts of one request, and how many more the sender says it left out."""

    signals: tuple[Signal, ...]
    left_out: int = 0


def parse_webhook(body: bytes, *, received_at: datetime, new_id: Callable[[], str]) -> Batch:
    """Every alert of the request, firing and resolved, in its order; raises `MalformedSignal` for the whole of it."""
    webhook = decoded(body, _decoder, expected=_EXPECTED)
    # Another version may mean something else by the same fields; misread alerts are worse than refused ones.
    if webhook.version != "4":
        raise MalformedSignal(
            f'version: {webhook.version[:40]!r}, only "4" is known',
            help="let Alertmanager 0.16 or newer send it to this address",
        )
    signals = [
        _signal(alert, f"alerts[{index}]", SignalId(new_id()), received_at)
        for index, alert in enumerate(webhook.alerts)
    ]
    # `max_alerts` of the receiver cuts a group short; what was cut is nowhere else, so it is told in the answer and the
    # log.
    return Batch(tuple(signals), left_out=max(webhook.truncated, 0))


def _signal(alert: _Alert, field: str, signal: SignalId, received_at: datetime) -> Signal:
    # While an alert fires, endsAt is only when it would expire.
    ended = None if alert.status == "firing" or is_zero(alert.ends_at) else alert.ends_at
    started = received_at if is_zero(alert.starts_at) else utc(alert.starts_at, field=f"{field}.startsAt")
    return Signal(
        id=signal,
        source=SOURCE,
        name=alert.labels.get("alertname", "unnamed"),
        firing=alert.status == "firing",
        alert_key=alert_key(SOURCE, alert.labels),
        labels=alert.labels,
        annotations=cut_annotations(alert.annotations or {}),
        starts_at=started,
        ends_at=None if ended is None else utc(ended, field=f"{field}.endsAt"),
        received_at=received_at,
    )
