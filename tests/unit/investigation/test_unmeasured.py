"""Alerts about what only metrics show, while all that can be seen is well."""

from __future__ import annotations

import pytest

from kubernaut.domain.diagnosis import Diagnosis, Verdict
from kubernaut.investigation.unmeasured import as_the_alerts_say
from tests.objects import ago, container, crash_loop, ended, running, template
from tests.unit.investigation.scenes import Rollout, best, causes

PLAIN = template(container())
RESTARTED = running(restarts=1, since=ago(minutes=4)) | {"lastState": {"terminated": ended(1, finished=ago(minutes=4))}}


def seen(status: dict[str, object], *alerts: str) -> Diagnosis:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=900, new_available=3)
    return as_the_alerts_say(rollout.diagnose(rollout.pods(status)), alerts, "a snapshot holds no metrics")


@pytest.mark.parametrize(
    "alert", ["HighRequestLatencyP99", "Http5xxRatioHigh", "CPUThrottlingHigh", "checkout:slo_burn_rate", "ErrorRate"]
)
@pytest.mark.parametrize("status", [running(), RESTARTED], ids=["healthy", "healed"])
def test_what_only_metrics_show_is_unknown_and_named_as_not_read(alert: str, status: dict[str, object]) -> None:
    found = seen(status, alert)
    assert (best(found).cause, best(found).verdict) == ("unknown", Verdict.ESCALATE)
    assert found.not_read[-1].what == f"what {alert} measures"
    assert found.not_read[-1].why == "a snapshot holds no metrics"
    assert alert in best(found).summary


def test_restarts_that_healed_answer_an_alert_about_restarts() -> None:
    assert causes(seen(RESTARTED, "KubePodCrashLooping")) == ["self_healed"]
    assert causes(seen(RESTARTED, "OurPodsRestart")) == ["self_healed"]


def test_a_name_that_nobody_knows_is_not_answered_by_health() -> None:
    assert causes(seen(running(), "TooFewOrders")) == ["unknown", "healthy"]
    assert causes(seen(running(), "KubePodNotReady")) == ["healthy"]


def test_a_fault_that_is_seen_is_told_whatever_the_alert_measures() -> None:
    assert "unknown" not in causes(seen(crash_loop(), "HighRequestLatencyP99"))
