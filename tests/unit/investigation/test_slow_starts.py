"""Programs that say that they are not ready yet, and become so: a start that is slow is waited for."""

from __future__ import annotations

import pytest

from kubernaut.domain.diagnosis import Verdict
from tests.objects import Parts, ago, container, event, pod, running, template
from tests.unit.investigation.scenes import Rollout, best, causes, texts

PROBE: Parts = {"httpGet": {"path": "/readyz", "port": 8080}}
SAYS_NO = "Readiness probe failed: HTTP probe failed with statuscode: 503"
OLD = template(container(args=["v1"], readinessProbe=PROBE))
NEW = template(container(args=["v2"], readinessProbe=PROBE))


def rolled(minutes: float, *, late: bool = False, serving: int = 0, new: Parts = NEW, **spec: object) -> Rollout:
    """A rollout that last moved so long ago, and perhaps ran out of time a moment ago."""
    state = {"status": "False", "reason": "ProgressDeadlineExceeded", "lastUpdateTime": ago(30)}
    moving = {"status": "True", "reason": "ReplicaSetUpdated", "lastUpdateTime": ago(minutes=minutes)}
    told = [{"type": "Progressing", **(state if late else moving)}]
    return Rollout(OLD, new, minutes_ago=minutes, old_available=serving, conditions=told, meta={"spec": dict(spec)})


def found(rollout: Rollout, minutes: float, *, took: float | None = None, restarts: int = 0) -> list[str]:
    """The causes while its new pods answer 503; the former pods, where `took` is given, needed so many minutes."""
    status = running(ready=False, since=ago(minutes=minutes), restarts=restarts)
    pods = rollout.pods(status, 1)
    before = [
        pod(f"{rollout.before.name}-{name}", [running()], of=rollout.before, age=ago(minutes=400), ready_since=since)
        for name in "ab"
        if took is not None and (since := ago(minutes=400 - took))
    ]
    return causes(rollout.diagnose(pods, before, event(pods[0], "Unhealthy", SAYS_NO, count=40, at=ago(5))))


def test_a_slow_start_is_waited_for_while_others_serve_and_the_deadline_is_not_over() -> None:
    assert found(rolled(8, serving=2), 8, took=0.5) == ["rollout_in_progress"]


def test_nobody_waits_for_a_pod_that_has_ended_already() -> None:
    assert found(rolled(8, serving=2), 8, took=0.5, restarts=2) == ["unknown"]


def test_a_deadline_that_was_set_longer_is_waited_for_though_nobody_serves() -> None:
    assert found(rolled(7, progressDeadlineSeconds=1800), 7) == ["rollout_in_progress"]
    assert found(rolled(7), 7)[0] == "rollout_stuck"


def test_an_outage_that_the_strategy_asks_for_is_waited_for_until_the_deadline() -> None:
    assert found(rolled(7, strategy={"type": "Recreate"}), 7) == ["rollout_in_progress"]
    assert found(rolled(12, late=True, strategy={"type": "Recreate"}), 12)[0] == "rollout_stuck"


@pytest.mark.parametrize(("took", "expected"), [(14, "rollout_in_progress"), (2, "rollout_stuck")])
def test_a_start_is_late_only_after_the_time_that_the_pods_before_it_took(took: float, expected: str) -> None:
    assert found(rolled(12, late=True, serving=2), 12, took=took)[0] == expected


def test_what_the_pods_before_took_is_told() -> None:
    rollout = rolled(12, late=True, serving=1)
    slow = pod("before-a", [running()], of=rollout.before, age=ago(minutes=400), ready_since=ago(minutes=386))
    told = rollout.diagnose(rollout.pods(running(ready=False, since=ago(minutes=12)), 1), slow)
    assert best(told).verdict is Verdict.DECLINE
    assert "was ready 14 min after its start" in texts(told)


@pytest.mark.parametrize(("minutes", "expected"), [(7, "rollout_in_progress"), (12, "readiness_probe_wrong")])
def test_a_new_probe_is_not_to_blame_while_the_application_that_answers_it_has_time(
    minutes: float, expected: str
) -> None:
    other: Parts = {"httpGet": {"path": "/warm", "port": 8080}}
    probed = template(container(args=["v1"], readinessProbe=other))
    assert found(rolled(minutes, late=minutes > 10, serving=2, new=probed), minutes, took=0.5)[0] == expected
