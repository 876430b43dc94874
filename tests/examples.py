"""Values that many tests start from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from kubernaut.domain.incidents import Fingerprint, Incident, IncidentId
from kubernaut.domain.objects import ObjectRef
from kubernaut.domain.signals import AlertKey, Signal, SignalId

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
HOLD = timedelta(minutes=5)
_numbers = count(1)


def a_signal(
    *,
    alert: str = "alert-a",
    firing: bool = True,
    after: timedelta = timedelta(),
    labels: dict[str, str] | None = None,
) -> Signal:
    received_at = NOON + after
    return Signal(
        id=SignalId(f"sig-{next(_numbers)}"),
        source="alertmanager",
        name="KubePodNotReady",
        firing=firing,
        alert_key=AlertKey(alert),
        labels={"alertname": "KubePodNotReady", "namespace": "shop"} if labels is None else labels,
        annotations={"summary": "a pod is not ready"},
        starts_at=NOON - timedelta(minutes=3),
        ends_at=None if firing else received_at,
        received_at=received_at,
    )


def an_incident(
    fingerprint: str = "print-a",
    *,
    namespace: str = "shop",
    name: str = "checkout",
    opened_at: datetime = NOON,
) -> Incident:
    target = ObjectRef("apps/v1", "Deployment", namespace, name)
    return Incident(
        id=IncidentId(f"inc-{next(_numbers):06}"),
        fingerprint=Fingerprint(fingerprint),
        target=target,
        reported=ObjectRef("v1", "Pod", namespace, f"{name}-7d4b9"),
        alert="KubePodNotReady",
        severity="warning",
        started_at=opened_at - timedelta(minutes=3),
        opened_at=opened_at,
    )
