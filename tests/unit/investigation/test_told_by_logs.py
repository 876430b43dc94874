"""What only a program's log tells: a record that cannot be read, calls out of time, a node that gives no more."""

from __future__ import annotations

import json

import pytest

from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.containers import containers_of, crashing_since
from kubernaut.investigation.diagnosing import diagnose
from kubernaut.investigation.logs import LogLine
from kubernaut.investigation.scene import Scene
from tests.objects import (
    NOW,
    Part,
    Parts,
    ago,
    configuration,
    container,
    crash_loop,
    endpoint_slice,
    managed,
    node,
    pod,
    running,
    service,
    template,
    unschedulable,
)
from tests.unit.investigation.scenes import Rollout, best, causes, scene_of
from tests.unit.investigation.test_longer_stories import PLAIN, done

TOPIC = template(container(env=[{"name": "KAFKA_TOPIC", "value": "pages"}]))
RECORD = (
    'level=error msg="cannot decode message" topic=pages partition=3 offset=88213 err="unexpected end of JSON input"'
)


def told(rollout: Rollout, status: Parts, line: str, *items: KubeObject, previous: bool = True) -> list[str]:
    pods = rollout.pods(status)
    return causes(rollout.diagnose(pods, *items, logs={pods[0]: line}, previous=previous))


def test_a_consumer_that_ends_at_a_record_it_cannot_read_is_told_where() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=9000)
    pods = rollout.pods(crash_loop())
    top = best(rollout.diagnose(pods, logs={pods[0]: RECORD}))
    assert (top.cause, top.verdict) == ("record_not_readable", Verdict.ESCALATE)
    assert "the record at 88213" in top.summary


def test_a_consumer_that_is_well_is_told_by_its_log_and_another_program_is_not() -> None:
    consumer, other = (Rollout(each, each, minutes_ago=9000, new_available=3) for each in (TOPIC, PLAIN))
    assert told(consumer, running(), RECORD, previous=False)[0] == "record_not_readable"
    calm = 'level=info msg="committed" topic=pages partition=3 offset=88213'
    assert told(consumer, running(), calm, previous=False) == ["healthy"]
    assert other.diagnose(other.pods(running())).best is not None


@pytest.mark.parametrize(
    "line",
    [
        "http: Accept error: accept tcp [::]:8080: accept4: too many open files; retrying in 1s",
        "dial tcp 10.96.0.31:80: connect: cannot assign requested address",
        'ERROR:  could not resize shared memory segment "/PostgreSQL.18" to 8388608 bytes: No space left on device',
    ],
)
def test_a_node_that_gives_no_more_files_ports_or_memory_is_for_people(line: str) -> None:
    assert told(Rollout(PLAIN, PLAIN, minutes_ago=9000), crash_loop(), line)[0] == "host_limit_reached"


def patient(timeout: str) -> KubeObject:
    noted = json.dumps({"data": {"UPSTREAM_TIMEOUT": "5s"}})
    notes = {"kubectl.kubernetes.io/last-applied-configuration": noted}
    made = configuration(
        "ConfigMap", "calls", [], annotations=notes, managedFields=[managed("kubectl", ago(minutes=9), "data")]
    )
    return KubeObject({**made.raw, "data": {"UPSTREAM_TIMEOUT": timeout}})


@pytest.mark.parametrize(
    ("timeout", "line", "expected"),
    [
        ("50ms", 'level=error msg="call failed" err="context deadline exceeded"', "patience_changed"),
        ("5s", 'level=error msg="call failed" err="context deadline exceeded"', "healthy"),
        ("50ms", 'level=error msg="page not found"', "healthy"),
    ],
)
def test_calls_that_run_out_of_time_are_laid_to_a_timeout_that_was_changed(
    timeout: str, line: str, expected: str
) -> None:
    calling = template(container(envFrom=[{"configMapRef": {"name": "calls"}}]))
    rollout = Rollout(calling, calling, minutes_ago=9000, new_available=3)
    assert told(rollout, running(), line, patient(timeout), previous=False) == [expected]


def test_the_log_of_a_container_that_is_well_can_be_asked_for_after_it_was_left_out() -> None:
    one = pod("one", [running()])
    scene = Scene(now=NOW, objects=[one])
    scene.log_of(one, "app")
    scene.add_logs({}, tried=scene.take_wanted().logs)
    scene.log_of(one, "app")
    assert not scene.take_wanted().logs
    scene.log_of(one, "app", even_well=True)
    assert scene.take_wanted().logs == {("shop", "one", "app")}
    scene.add_logs({("shop", "one", "app"): [LogLine(one.ref, "app", previous=False, number=1, text="error")]})
    assert scene.log_of(one, "app", even_well=True)


def test_a_pod_on_the_hosts_network_asks_the_hosts_name_server() -> None:
    rollout = Rollout(PLAIN, template(container(), hostNetwork=True), old_available=3)
    line = 'level=fatal msg="not reached" err="dial tcp: lookup stock on 10.0.0.2:53: no such host"'
    pods = rollout.pods(crash_loop(started=ago(500), finished=ago(499)))
    top = best(rollout.diagnose(pods, service("stock", {"app": "stock"}), logs={pods[0]: line}))
    assert (top.cause, top.remedies[0].action) == ("pod_dns_wrong", "rollback_deployment")


def test_a_selector_that_found_nodes_before_is_not_gone_back_from() -> None:
    rollout = done(
        Rollout(PLAIN, template(container(), nodeSelector={"pool": "main"}), minutes_ago=20), ago(minutes=19)
    )
    words = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    waits = pod(
        f"{rollout.after.name}-z", of=rollout.after, node=None, conditions=unschedulable(words), age=ago(minutes=3)
    )
    top = best(rollout.diagnose(waits))
    assert (top.cause, top.verdict) == ("unschedulable_node_selector", Verdict.ESCALATE)


@pytest.mark.parametrize(("target", "expected"), [(9102, "service_port_wrong"), ("http", "healthy"), (8081, "healthy")])
def test_a_port_that_is_a_companions_is_told_by_what_was_applied(target: Part, expected: str) -> None:
    ports: list[Part] = [{"name": "http", "containerPort": 8080}, {"name": "admin", "containerPort": 8081}]
    applied = json.dumps({"spec": {"ports": [{"name": "http", "port": 80, "targetPort": 8080}]}})
    led: Parts = {"name": "http", "port": 80, "targetPort": target}
    front = service(
        "checkout",
        {"app": "checkout"},
        led,
        annotations={"kubectl.kubernetes.io/last-applied-configuration": applied},
        managedFields=[managed("kubectl-edit", ago(minutes=9), "spec", "ports")],
    )
    beside = container("proxy", ports=[{"name": "metrics", "containerPort": 9102}])
    one = pod("one", [running(), running("proxy")], spec={"containers": [container(ports=ports), beside]})
    top = best(diagnose(scene_of(front, one, endpoint_slice(front, ready=1), node()), front.ref))
    assert top.cause == expected
    if expected == "service_port_wrong":
        assert top.verdict is Verdict.APPROVE
        assert top.remedies[0].parameters == {"port": "http", "target_port": "8080"}


@pytest.mark.parametrize("waits", [True, False])
def test_a_series_of_crashes_began_as_often_and_as_long_ago_as_the_kubelet_waited(waits: bool) -> None:  # noqa: FBT001
    # Runs of 6 s, and waits of 0, 10, 20 and 40 s between them: five runs end within 100 s.
    last: Parts = {"exitCode": 1, "reason": "Error", "startedAt": ago(106), "finishedAt": ago(100)}
    again: Parts = {"running": {"startedAt": ago(20)}}
    state: Parts = {"waiting": {"reason": "CrashLoopBackOff"}} if waits else again
    status: Parts = {
        "name": "app", "ready": False, "restartCount": 4 if waits else 5, "state": state,
        "lastState": {"terminated": last},
    }  # fmt: skip
    (entry,) = containers_of(pod("one", [status]))
    since = crashing_since(entry)
    assert since is not None
    assert 190 <= (NOW - since).total_seconds() <= 210
