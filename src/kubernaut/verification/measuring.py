"""What Prometheus says about an action that was taken for something measured, as the share of its checks that pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.diagnosis import ActionCall
from kubernaut.domain.errors import MetricsUnavailable
from kubernaut.domain.measures import CPU_THROTTLED, MEMORY_SHARE, Measure
from kubernaut.domain.objects import KubeObject
from kubernaut.ports import Metrics


@dataclass(frozen=True, slots=True)
class _Check:
    measure: Measure
    at_most: float


# Only what the action was taken for: a container may be throttled all its life and do its work.
_CHECKS = {
    "increase_cpu_limit": _Check(CPU_THROTTLED, 0.25),
    "increase_memory_limit": _Check(MEMORY_SHARE, 0.95),
}


def is_measured(call: ActionCall) -> bool:
    """Whether there is anything to ask Prometheus about that action."""
    return call.action in _CHECKS


async def share_recovered(
    metrics: Metrics, call: ActionCall, pods: Iterable[KubeObject], *, at: datetime
) -> float | None:
    """The share of the pods' series that are within bounds; None where nothing was measured (yet)."""
    check = _CHECKS[call.action]
    names = {pod.name for pod in pods}
    container = str(call.parameters.get("container", ""))
    try:
        told = await metrics.measure(check.measure.of(namespace=call.target.namespace), at=at)
    except MetricsUnavailable:
        return None
    values = [
        series.value
        for series in told
        if series.labels.get("pod") in names and container in ("", series.labels.get("container"))
    ]
    return sum(value <= check.at_most for value in values) / len(values) if values else None
