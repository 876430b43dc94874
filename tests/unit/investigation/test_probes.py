from __future__ import annotations

from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import KubeObject
from tests.objects import Part, Parts, ago, container, ended, event, pod, running, template
from tests.unit.investigation.scenes import Rollout, best, causes, texts

PORTS = [{"containerPort": 8080, "name": "http", "protocol": "TCP"}]
REFUSED = (
    'Readiness probe failed: Get "http://10.1.0.1:8081/ready": dial tcp 10.1.0.1:8081: connect: connection refused'
)
NOT_FOUND = "Readiness probe failed: HTTP probe failed with statuscode: 404"
BUSY = "Readiness probe failed: HTTP probe failed with statuscode: 503"
SILENT = (
    'Readiness probe failed: Get "http://10.1.0.1:8080/ready": context deadline exceeded (Client.Timeout exceeded '
    "while awaiting headers)"
)


def probed(path: str = "/ready", port: object = 8080, **extra: Part) -> Parts:
    probe = {"httpGet": {"path": path, "port": port}}
    return template(container(ports=PORTS, readinessProbe=probe, **extra))


def never_ready(
    rollout: Rollout, message: str, count: int = 3, minutes: float = 8
) -> tuple[list[KubeObject], list[KubeObject]]:
    pods = rollout.pods(running(ready=False, since=ago(minutes=minutes)), count, ready_since=ago(minutes=minutes))
    return pods, [event(pods[0], "Unhealthy", message, count=40, fieldPath="spec.containers{app}")]


def test_a_probe_that_the_change_pointed_at_a_closed_port_is_rolled_back() -> None:
    rollout = Rollout(probed(), probed(port=8081), old_available=3)
    found = rollout.diagnose(*never_ready(rollout, REFUSED, 1))
    top = best(found)
    assert (top.cause, top.verdict) == ("readiness_probe_wrong", Verdict.ACT)
    assert "the probe asks port 8081; the container declares 8080" in texts(found)
    assert "readinessProbe.httpGet.port: 8080 -> 8081" in texts(found)


def test_a_path_that_does_not_exist_is_wrong_even_without_a_change_but_goes_to_people() -> None:
    rollout = Rollout(probed("/raedy", args=["a"]), probed("/raedy", args=["b"]))
    top = best(rollout.diagnose(*never_ready(rollout, NOT_FOUND)))
    assert (top.cause, top.verdict) == ("readiness_probe_wrong", Verdict.ESCALATE)


def test_an_application_that_says_it_is_not_ready_is_not_a_wrong_probe() -> None:
    rollout = Rollout(probed(args=["a"]), probed(args=["b"]), minutes_ago=60)
    assert causes(rollout.diagnose(*never_ready(rollout, BUSY, minutes=55))) == ["unknown"]


def test_a_changed_probe_that_the_application_answers_with_503_is_a_question() -> None:
    rollout = Rollout(probed("/alive"), probed("/deep-health"), old_available=3)
    top = best(rollout.diagnose(*never_ready(rollout, BUSY)))
    assert (top.cause, top.verdict) == ("readiness_probe_wrong", Verdict.APPROVE)


def test_a_pod_that_was_ready_before_has_no_wrong_probe() -> None:
    rollout = Rollout(probed(), probed(port=8081), minutes_ago=600)
    pods = rollout.pods(running(ready=False, since=ago(minutes=600)), ready_since=ago(minutes=10))
    found = rollout.diagnose(pods, event(pods[0], "Unhealthy", REFUSED))
    assert "readiness_probe_wrong" not in causes(found)


def test_a_slow_start_is_waited_for() -> None:
    progress = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "lastUpdateTime": ago(30)}
    rollout = Rollout(probed(), probed(port=8081), minutes_ago=0.5, conditions=[progress])
    assert causes(rollout.diagnose(*never_ready(rollout, REFUSED, minutes=0.4))) == ["rollout_in_progress"]


def test_another_pod_of_the_revision_that_passes_clears_the_probe() -> None:
    rollout = Rollout(probed(), probed("/ready2"), new_available=1)
    pods, events = never_ready(rollout, NOT_FOUND)
    found = rollout.diagnose([*pods[:2], *rollout.pods(running(), 3)[2:]], events)
    assert "readiness_probe_wrong" not in causes(found)


def test_without_events_a_changed_probe_is_only_a_proposal() -> None:
    rollout = Rollout(probed(), probed(port=8081), old_available=3)
    pods, _ = never_ready(rollout, REFUSED)
    top = best(rollout.diagnose(pods, unread=frozenset({"Event"})))
    assert (top.cause, top.verdict) == ("readiness_probe_wrong", Verdict.APPROVE)


def test_no_answer_in_time_from_an_unchanged_probe_is_no_wrong_probe() -> None:
    rollout = Rollout(probed(args=["a"]), probed(args=["b"]), minutes_ago=60)
    assert "readiness_probe_wrong" not in causes(rollout.diagnose(*never_ready(rollout, SILENT, minutes=50)))


def test_a_new_image_without_the_path_is_gone_back_from_once_its_time_is_over() -> None:
    moved = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "lastUpdateTime": ago(minutes=8)}
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "lastUpdateTime": ago(60)}
    for state, verdict in ((moved, Verdict.ESCALATE), (late, Verdict.ACT)):
        rollout = Rollout(probed(), probed(image="shop:2"), minutes_ago=12, old_available=2, conditions=[state])
        serving = [pod(f"{rollout.before.name}-{name}", [running()], of=rollout.before) for name in "ab"]
        found = rollout.diagnose(*never_ready(rollout, NOT_FOUND, 1), serving)
        assert (best(found).cause, best(found).verdict) == ("readiness_probe_wrong", verdict)


def test_a_new_image_that_its_startup_probe_does_not_find_is_gone_back_from() -> None:
    probe = {"httpGet": {"path": "/started", "port": 8080}, "failureThreshold": 12, "periodSeconds": 5}
    old, new = (template(container(ports=PORTS, startupProbe=probe, image=image)) for image in ("shop:1", "shop:2"))
    rollout = Rollout(old, new, minutes_ago=12, old_available=2)
    last = ended(137, started=ago(100), finished=ago(30))
    pods = rollout.pods(running(ready=False, restarts=6, since=ago(29)) | {"lastState": {"terminated": last}}, 1)
    killing = event(pods[0], "Killing", "Container app failed startup probe, will be restarted", type="Normal")
    missed = event(pods[0], "Unhealthy", "Startup probe failed: HTTP probe failed with statuscode: 404", count=70)
    top = best(rollout.diagnose(pods, killing, missed))
    assert (top.cause, top.verdict) == ("liveness_probe_wrong", Verdict.ACT)
