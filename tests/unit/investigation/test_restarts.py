"""Containers that probes restart, init containers that hold others up, and rollouts that ran out of time."""

from __future__ import annotations

import pytest

from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import KubeObject
from tests.objects import Part, Parts, ago, container, ended, event, pod, running, service, template, waiting
from tests.unit.investigation.scenes import Rollout, best, causes, texts

PORTS = [{"containerPort": 8080, "name": "http", "protocol": "TCP"}]
REFUSED = 'Get "http://10.1.0.1:{0}/alive": dial tcp 10.1.0.1:{0}: connect: connection refused'
NOT_FOUND = "HTTP probe failed with statuscode: 404"
BUSY = "HTTP probe failed with statuscode: 503"
SPOKEN = 'Get "http://10.1.0.1:9000/": net/http: HTTP/1.x transport connection broken: malformed HTTP response'
SILENT = 'Get "http://10.1.0.1:8080/alive": context deadline exceeded (Client.Timeout exceeded)'
LATE = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}


def alive(port: object = 8080, path: str = "/alive", name: str = "liveness", **timing: Part) -> Parts:
    probe = {"httpGet": {"path": path, "port": port}, **timing}
    ready = {"httpGet": {"path": "/ready", "port": 8080}}
    extra: Part = {"ports": PORTS, "readinessProbe": ready, f"{name}Probe": probe}
    return template(container(**extra))


def killed(rollout: Rollout, said: str, ran: float = 32, name: str = "liveness") -> list[KubeObject]:
    """Pods whose container runs again after its probe ended the last run, which lasted that many seconds."""
    last = ended(137, started=ago(ran + 10), finished=ago(10))
    status = running(restarts=5, since=ago(9), ready=False) | {"lastState": {"terminated": last}}
    pods = rollout.pods(status)
    words = f"{name.capitalize()} probe failed: {said}"
    kill = f"Container app failed {name} probe, will be restarted"
    return [
        *pods,
        event(pods[0], "Unhealthy", words, count=12, at=ago(12), fieldPath="spec.containers{app}"),
        event(pods[0], "Killing", kill, type="Normal", at=ago(11), fieldPath="spec.containers{app}"),
    ]


WRONG = [
    (alive(), alive(9999), REFUSED.format(9999)),
    (alive(), alive(path="/alife"), NOT_FOUND),
    (alive(), alive(9000), SPOKEN),
    (template(container(ports=PORTS)), alive(9999), REFUSED.format(9999)),
    (template(container(ports=PORTS)), alive(path="/alife"), NOT_FOUND),
]


@pytest.mark.parametrize(("old", "new", "said"), WRONG)
def test_a_probe_that_asks_the_wrong_thing_since_a_change_goes_back(old: Parts, new: Parts, said: str) -> None:
    rollout = Rollout(old, new, old_available=1)
    found = rollout.diagnose(killed(rollout, said))
    top = best(found)
    assert causes(found) == ["liveness_probe_wrong"]
    assert (top.verdict, top.remedies[0].parameters) == (Verdict.ACT, {"revision": 6})


def between_two_kills(*runs: tuple[int, float], lasted_s: float = 44) -> tuple[Rollout, list[KubeObject]]:
    """Pods that are ready at this moment: their program ended well when it was told to, and runs again.

    Each of `runs` is how often it was started again, and for how many seconds it runs now.
    """
    rollout = Rollout(alive(), alive(9999), new_available=2)
    said = REFUSED.format(9999)
    pods, events = [], []
    for place, (restarts, runs_s) in enumerate(runs):
        last = ended(0, "Completed", started=ago(runs_s + lasted_s + 1), finished=ago(runs_s + 1))
        status = running(restarts=restarts, since=ago(runs_s)) | {"lastState": {"terminated": last}}
        own = rollout.pods(status, len(runs))[place]
        kill, words = "Container app failed liveness probe, will be restarted", f"Liveness probe failed: {said}"
        pods.append(own)
        for reason, text, kind in (("Unhealthy", words, "Warning"), ("Killing", kill, "Normal")):
            events.append(event(own, reason, text, type=kind, at=ago(runs_s + 2), fieldPath="spec.containers{app}"))
    return rollout, [*pods, *events]


def test_a_program_that_ends_well_when_its_probe_ends_it_is_not_called_healthy_in_between() -> None:
    rollout, seen = between_two_kills((2, 12), (1, 30))
    found = rollout.diagnose(seen)
    assert (causes(found)[0], best(found).verdict) == ("liveness_probe_wrong", Verdict.ACT)
    assert best(found).remedies[0].parameters == {"revision": 6}


def test_a_node_that_is_busy_probes_late_and_the_last_run_says_how_late() -> None:
    rollout, seen = between_two_kills((3, 70), (3, 20), lasted_s=80)
    assert causes(rollout.diagnose(seen))[0] == "liveness_probe_wrong"


@pytest.mark.parametrize("runs", [(1, 12), (2, 60)])
def test_one_kill_or_a_run_that_outlived_the_probe_says_nothing(runs: tuple[int, float]) -> None:
    rollout, seen = between_two_kills(runs)
    assert "liveness_probe_wrong" not in causes(rollout.diagnose(seen))


@pytest.mark.parametrize(
    ("said", "port", "path"), [(NOT_FOUND, 8080, "/alife"), (REFUSED.format(9999), 9999, "/alive")]
)
def test_a_probe_that_was_always_wrong_goes_to_people(said: str, port: int, path: str) -> None:
    rollout = Rollout(alive(port, path), alive(port, path), minutes_ago=9000)
    top = best(rollout.diagnose(killed(rollout, said)))
    assert (top.cause, top.verdict) == ("liveness_probe_wrong", Verdict.ESCALATE)


def test_a_wrong_startup_probe_is_the_same_fault() -> None:
    rollout = Rollout(alive(name="startup"), alive(path="/up", name="startup"), old_available=1)
    assert causes(rollout.diagnose(killed(rollout, NOT_FOUND, name="startup"))) == ["liveness_probe_wrong"]


IMPATIENT: list[tuple[Parts, str, float]] = [
    ({"periodSeconds": 1, "failureThreshold": 1}, REFUSED.format(8080), 2),
    ({"periodSeconds": 2, "failureThreshold": 2, "initialDelaySeconds": 1}, SILENT, 6),
    ({"periodSeconds": 5, "failureThreshold": 3}, REFUSED.format(8080), 16),
]


@pytest.mark.parametrize(("timing", "said", "ran"), IMPATIENT)
def test_a_probe_that_became_impatient_goes_back(timing: Parts, said: str, ran: float) -> None:
    rollout = Rollout(alive(initialDelaySeconds=60), alive(**timing), old_available=1)
    found = rollout.diagnose(killed(rollout, said, ran))
    assert causes(found) == ["liveness_probe_too_strict"]
    assert (best(found).verdict, best(found).remedies[0].action) == (Verdict.ACT, "rollback_deployment")
    assert "it has no startup probe" in texts(found)


def test_a_start_that_became_slower_than_the_same_probe_goes_to_people() -> None:
    new = alive(periodSeconds=5)
    new["spec"]["containers"][0]["image"] = "registry.example/shop:1.9.0"
    rollout = Rollout(alive(periodSeconds=5), new, minutes_ago=9000)
    top = best(rollout.diagnose(killed(rollout, REFUSED.format(8080), 16)))
    assert (top.cause, top.verdict) == ("liveness_probe_too_strict", Verdict.ESCALATE)


@pytest.mark.parametrize("said", [SILENT, REFUSED.format(8080), BUSY])
def test_an_application_that_answered_for_long_hangs(said: str) -> None:
    rollout = Rollout(alive(), alive(), minutes_ago=9000)
    found = rollout.diagnose(killed(rollout, said, 1500))
    assert causes(found) == ["application_hangs"]
    assert best(found).verdict is Verdict.ESCALATE


def test_an_application_that_hangs_since_a_change_of_its_image_is_asked_about() -> None:
    new = alive()
    new["spec"]["containers"][0]["image"] = "registry.example/shop:1.9.0"
    rollout = Rollout(alive(), new, minutes_ago=30, old_available=1)
    assert best(rollout.diagnose(killed(rollout, SILENT, 1200))).verdict is Verdict.APPROVE


def test_a_kill_for_memory_is_no_probes_doing() -> None:
    limits = {"limits": {"memory": "64Mi"}}
    new = alive()
    new["spec"]["containers"][0]["resources"] = limits
    rollout = Rollout(alive(), new)
    last = ended(137, "OOMKilled", started=ago(40), finished=ago(10))
    pods = rollout.pods(running(restarts=4, since=ago(9)) | {"lastState": {"terminated": last}})
    missed = event(pods[0], "Unhealthy", f"Liveness probe failed: {SILENT}", at=ago(12))
    assert causes(rollout.diagnose(pods, missed)) == ["memory_limit_too_low"]


def test_the_probe_of_another_container_is_not_blamed() -> None:
    new = alive(9999)
    new["spec"]["containers"].append(container("proxy"))
    rollout = Rollout(alive(), new)
    statuses = waiting("CrashLoopBackOff", "back-off", "proxy", restarts=4, last=ended(1))
    pods = [pod(f"{rollout.after.name}-x", [running(), statuses], of=rollout.after)]
    found = rollout.diagnose(pods, event(pods[0], "Unhealthy", f"Liveness probe failed: {REFUSED}", at=ago(12)))
    assert "liveness_probe_wrong" not in causes(found)


def test_one_restart_by_a_probe_that_is_over_is_self_healed() -> None:
    rollout = Rollout(alive(), alive(), minutes_ago=900, new_available=3)
    last = ended(137, started=ago(minutes=50), finished=ago(minutes=6))
    status = running(restarts=1, since=ago(minutes=6)) | {"lastState": {"terminated": last}}
    pods = rollout.pods(status)
    missed = event(pods[0], "Unhealthy", f"Liveness probe failed: {SILENT}", at=ago(minutes=6))
    assert causes(rollout.diagnose(pods, missed)) == ["self_healed"]


def waiter(command: str) -> Parts:
    return template(container(), initContainers=[container("prepare", command=["sh", "-c", command])])


def held(rollout: Rollout, minutes: float) -> list[KubeObject]:
    since = running("prepare", ready=False, since=ago(minutes=minutes))
    return rollout.pods(waiting("PodInitializing"), 1, inits=[since], phase="Pending")


WAITS = [
    "until nslookup legacy-config; do sleep 2; done",
    "until nc -z legacy-config 8080; do sleep 2; done",
    "while ! wget -q http://legacy-config/ready; do sleep 1; done",
    "wait-for-it legacy-config.shop.svc.cluster.local:5432",
]


@pytest.mark.parametrize("command", WAITS)
def test_an_init_container_that_waits_for_what_does_not_exist_goes_back(command: str) -> None:
    rollout = Rollout(template(container()), waiter(command), minutes_ago=16, old_available=3)
    found = rollout.diagnose(held(rollout, 15), service("shop-db", {"app": "db"}))
    top = best(found)
    assert causes(found) == ["init_container_waits"]
    assert (top.verdict, top.remedies[0].parameters) == (Verdict.ACT, {"revision": 6})
    assert "there is no Service legacy-config in shop" in texts(found)


def test_an_init_container_that_works_for_long_is_asked_about() -> None:
    rollout = Rollout(template(container()), waiter("migrate --all"), minutes_ago=16, old_available=3)
    top = best(rollout.diagnose(held(rollout, 15)))
    assert (top.cause, top.verdict) == ("init_container_waits", Verdict.APPROVE)


def test_an_init_container_that_has_just_begun_is_waited_for() -> None:
    state = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "lastUpdateTime": ago(60)}
    rollout = Rollout(template(container()), waiter(WAITS[0]), minutes_ago=2, old_available=3, conditions=[state])
    assert causes(rollout.diagnose(held(rollout, 1.5))) == ["rollout_in_progress"]


def test_an_init_container_that_crashes_is_named_with_what_it_holds_up() -> None:
    rollout = Rollout(template(container()), waiter("exit 3"), old_available=3)
    loop = waiting("CrashLoopBackOff", "back-off", "prepare", restarts=4, last=ended(3))
    found = rollout.diagnose(rollout.pods(waiting("PodInitializing"), 1, inits=[loop], phase="Pending"))
    assert causes(found) == ["init_container_fails"]
    assert best(found).verdict is Verdict.ACT
    assert "app never start" in best(found).summary


def test_an_init_container_that_says_why_it_fails_is_told_by_that() -> None:
    rollout = Rollout(template(container()), waiter("migrate"), old_available=3)
    words = 'exec: "migrate": executable file not found in $PATH: unknown'
    loop = waiting("CrashLoopBackOff", "back-off", "prepare", restarts=4, last=ended(128, "StartError", message=words))
    found = rollout.diagnose(rollout.pods(waiting("PodInitializing"), 1, inits=[loop], phase="Pending"))
    assert causes(found) == ["command_not_found"]
    assert "init container prepare" in best(found).summary


def test_a_rollout_that_ran_out_of_time_goes_back_while_the_former_pods_serve() -> None:
    new = template(container(args=["b"]))
    rollout = Rollout(template(container()), new, minutes_ago=25, old_available=1, conditions=[LATE])
    stuck = rollout.pods(running(ready=False, since=ago(minutes=24)), 1, ready_since=ago(minutes=24))
    serving = pod(f"{rollout.before.name}-x", [running()], of=rollout.before)
    found = rollout.diagnose(stuck, serving)
    assert (best(found).cause, best(found).verdict) == ("rollout_stuck", Verdict.ACT)
    alone = rollout.diagnose(stuck)
    assert best(alone).verdict is Verdict.APPROVE


def test_a_rollout_that_has_a_ready_pod_is_not_stuck() -> None:
    new = template(container(args=["b"]))
    rollout = Rollout(template(container()), new, minutes_ago=25, new_available=1, conditions=[LATE])
    pods = [*rollout.pods(running(), 1), *rollout.pods(running(ready=False), 2)[1:]]
    assert "rollout_stuck" not in causes(rollout.diagnose(pods))
