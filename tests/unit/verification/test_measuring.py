"""What Prometheus adds to the proof that an action helped."""

from __future__ import annotations

import pytest

from kubernaut.adapters.memory.metrics import MemoryMetrics
from kubernaut.domain.diagnosis import ActionCall, ActionId
from kubernaut.domain.measures import CPU_THROTTLED, MEMORY_SHARE
from kubernaut.domain.objects import ObjectRef
from kubernaut.verification.measuring import is_measured, share_recovered
from tests.objects import NOW, pod, running

TARGET = ObjectRef("apps/v1", "Deployment", "shop", "checkout")
PODS = [pod("checkout-2-a", [running()]), pod("checkout-2-b", [running()])]


def call(action: str, **parameters: str) -> ActionCall:
    return ActionCall(ActionId(action), TARGET, parameters)


async def test_the_share_of_pods_within_bounds_is_what_recovered() -> None:
    metrics = MemoryMetrics()
    metrics.say(CPU_THROTTLED.name, 0.1, at=NOW, pod="checkout-2-a", container="app")
    metrics.say(CPU_THROTTLED.name, 0.7, at=NOW, pod="checkout-2-b", container="app")

    assert await share_recovered(metrics, call("increase_cpu_limit", container="app"), PODS, at=NOW) == 0.5


async def test_pods_of_the_former_template_do_not_count() -> None:
    metrics = MemoryMetrics()
    metrics.say(CPU_THROTTLED.name, 0.9, at=NOW, pod="checkout-1-z", container="app")
    metrics.say(CPU_THROTTLED.name, 0.0, at=NOW, pod="checkout-2-a", container="app")

    assert await share_recovered(metrics, call("increase_cpu_limit", container="app"), PODS, at=NOW) == 1.0


async def test_another_container_of_the_pod_does_not_count() -> None:
    metrics = MemoryMetrics()
    metrics.say(MEMORY_SHARE.name, 0.99, at=NOW, pod="checkout-2-a", container="proxy")
    metrics.say(MEMORY_SHARE.name, 0.5, at=NOW, pod="checkout-2-a", container="app")

    assert await share_recovered(metrics, call("increase_memory_limit", container="app"), PODS, at=NOW) == 1.0


async def test_what_was_not_measured_yet_is_unknown_and_not_zero() -> None:
    assert await share_recovered(MemoryMetrics(), call("increase_cpu_limit"), PODS, at=NOW) is None


async def test_a_prometheus_that_is_down_leaves_the_part_out() -> None:
    metrics = MemoryMetrics()
    metrics.down = True

    assert await share_recovered(metrics, call("increase_cpu_limit"), PODS, at=NOW) is None


@pytest.mark.parametrize("action", ["increase_memory_limit", "increase_cpu_limit"])
def test_an_action_taken_for_something_measured_is_measured(action: str) -> None:
    assert is_measured(call(action))


def test_a_rollback_is_proved_by_health_and_the_alert_alone() -> None:
    assert not is_measured(call("rollback_deployment"))
