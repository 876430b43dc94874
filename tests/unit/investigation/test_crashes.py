from __future__ import annotations

import pytest

from kubernaut.domain.diagnosis import Diagnosis, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.diagnosing import diagnose
from kubernaut.investigation.revisions import revisions_of
from tests.objects import (
    Part,
    Parts,
    ago,
    configuration,
    container,
    controller_revision,
    crash_loop,
    deployment,
    ended,
    endpoint_slice,
    event,
    managed,
    node,
    pod,
    replica_set,
    running,
    service,
    template,
    waiting,
    workload,
)
from tests.unit.investigation.scenes import Rollout, best, causes, scene_of, texts

OLD = template(container(args=["serve"]))
NEW = template(container(args=["serve", "--cache-ttl=30s"]))
LOG = "level=info msg=starting\nflag provided but not defined: -cache-ttl\nUsage of shop:\n"


def test_a_change_of_arguments_that_every_pod_dies_of_is_rolled_back() -> None:
    rollout = Rollout(OLD, NEW)
    pods = rollout.pods(crash_loop(2))
    found = rollout.diagnose(pods, logs={pods[0]: LOG})
    top = best(found)
    assert (top.cause, top.verdict) == ("crash_after_change", Verdict.ACT)
    assert top.remedies[0].parameters == {"revision": 6}
    assert 'revision 6 -> 7: containers[app].args: ["serve"] -> ["serve", "--cache-ttl=30s"]' in texts(found)
    assert "flag provided but not defined: -cache-ttl" in texts(found)
    assert top.confidence > 0.9
    assert top.by_hand[0] == f"kubectl -n shop logs {pods[0].name} -c app --previous"


def test_a_revision_that_ran_for_days_before_the_crashes_is_not_blamed() -> None:
    rollout = Rollout(OLD, NEW, minutes_ago=4 * 24 * 60)
    pods = rollout.pods(crash_loop(1, restarts=4))
    found = rollout.diagnose(pods, logs={pods[0]: "FATAL: connection to database lost"})
    top = best(found)
    assert (top.cause, top.verdict) == ("crash_without_change", Verdict.ESCALATE)
    assert "crash_after_change" not in causes(found)


def test_a_rolling_restart_is_not_a_change() -> None:
    stamp = {"kubectl.kubernetes.io/restartedAt": ago(minutes=10)}
    rollout = Rollout(OLD, template(container(args=["serve"]), annotations=stamp))
    top = best(rollout.diagnose(rollout.pods(crash_loop())))
    assert top.cause == "crash_without_change"
    assert [remedy.action for remedy in top.remedies] == ["escalate"]


@pytest.mark.parametrize(("written_s", "is_edit"), [(599, False), (590, True)])
def test_a_configuration_is_edited_when_it_is_written_after_it_was_made(written_s: float, is_edit: bool) -> None:  # noqa: FBT001
    source = [{"configMapRef": {"name": "settings"}}]
    rollout = Rollout(template(container(envFrom=source)), template(container(envFrom=source, args=["x"])))
    made = configuration(
        "ConfigMap",
        "settings",
        ["A"],
        creationTimestamp=ago(600),
        managedFields=[managed("kubectl-client-side-apply", ago(written_s), "data", "A")],
    )
    top = best(rollout.diagnose(rollout.pods(crash_loop()), made))
    assert bool(top.contradicting) is is_edit


def test_an_edited_configuration_beside_the_change_makes_the_rollback_a_question() -> None:
    source = [{"configMapRef": {"name": "settings"}}]
    rollout = Rollout(template(container(envFrom=source)), template(container(envFrom=source, args=["x"])))
    edited = configuration(
        "ConfigMap", "settings", ["A"], managedFields=[managed("kubectl-edit", ago(minutes=9), "data", "A")]
    )
    top = best(rollout.diagnose(rollout.pods(crash_loop()), edited))
    assert (top.cause, top.verdict) == ("crash_after_change", Verdict.APPROVE)
    assert top.contradicting


def test_pods_of_the_same_revision_that_work_make_the_rollback_a_question() -> None:
    rollout = Rollout(OLD, NEW, new_available=2)
    pods = [*rollout.pods(crash_loop(), 1), *rollout.pods(running(), 3)[1:]]
    top = best(rollout.diagnose(pods))
    assert top.verdict is not Verdict.ACT


def test_one_crashing_pod_of_several_in_an_unchanged_workload_is_replaced() -> None:
    rollout = Rollout(OLD, NEW, minutes_ago=9000, new_available=2)
    pods = [*rollout.pods(crash_loop(139, restarts=3), 1), *rollout.pods(running(), 3)[1:]]
    top = best(rollout.diagnose(pods))
    assert (top.cause, top.verdict) == ("crash_without_change", Verdict.ACT)
    assert top.remedies[0].action == "restart_pod"
    assert top.remedies[0].target == pods[0].ref


def test_all_pods_crashing_without_a_change_goes_to_people_with_the_edit_that_preceded_it() -> None:
    source = [{"configMapRef": {"name": "settings"}}]
    same = template(container(envFrom=source))
    rollout = Rollout(OLD, same, minutes_ago=9000)
    edited = configuration(
        "ConfigMap", "settings", ["A"], managedFields=[managed("kubectl-edit", ago(minutes=20), "data")]
    )
    found = rollout.diagnose(rollout.pods(crash_loop(1, restarts=6)), edited)
    assert best(found).verdict is Verdict.ESCALATE
    assert "ConfigMap settings was edited by kubectl-edit" in texts(found)


def test_a_command_that_is_not_in_the_image_is_named() -> None:
    words = 'failed to create containerd task: exec: "shopd": executable file not found in $PATH: unknown'
    rollout = Rollout(OLD, template(container(command=["shopd"])))
    status = waiting("CrashLoopBackOff", "back-off", restarts=3, last=ended(128, "StartError", message=words))
    top = best(rollout.diagnose(rollout.pods(status)))
    assert top.cause == "command_not_found"
    assert "executable file not found" in top.summary


def test_a_liveness_probe_that_kills_after_a_change_is_a_wrong_probe_and_not_a_memory_limit() -> None:
    probe = {"httpGet": {"path": "/alive", "port": 9999}}
    limits = {"limits": {"memory": "64Mi"}}
    rollout = Rollout(template(container(resources=limits)), template(container(resources=limits, livenessProbe=probe)))
    pods = rollout.pods(running(restarts=4, since=ago(20)) | {"lastState": {"terminated": ended(137)}})
    killed = event(pods[0], "Killing", "Container app failed liveness probe, will be restarted", type="Normal")
    missed = event(pods[0], "Unhealthy", "Liveness probe failed: dial tcp 10.1.0.1:9999: connect: connection refused")
    found = rollout.diagnose(pods, killed, missed)
    assert causes(found) == ["liveness_probe_wrong"]
    assert "liveness probe" in best(found).summary


def test_a_crashing_init_container_and_a_sidecar_are_named_as_such() -> None:
    init = template(container(), initContainers=[container("migrate", args=["--force"])])
    rollout = Rollout(template(container(), initContainers=[container("migrate")]), init)
    pods = rollout.pods(waiting("PodInitializing"), inits=[crash_loop(name="migrate")])
    assert "init container migrate exits with code 1" in best(rollout.diagnose(pods)).summary

    side = template(container(), initContainers=[container("proxy", restartPolicy="Always", args=["x"])])
    rollout = Rollout(template(container()), side)
    pods = rollout.pods(running(), inits=[crash_loop(name="proxy")])
    assert "sidecar proxy exits with code 1" in best(rollout.diagnose(pods)).summary


def test_a_debugging_container_that_ended_is_no_fault() -> None:
    rollout = Rollout(OLD, NEW, new_available=3, minutes_ago=9000)
    pods = rollout.pods(running())
    spec = dict(pods[0].tree("spec").raw) | {"ephemeralContainers": [container("debugger")]}
    status = dict(pods[0].tree("status").raw)
    status["ephemeralContainerStatuses"] = [running("debugger", ready=False) | {"state": {"terminated": ended(1)}}]
    pods[0] = type(pods[0])({**pods[0].raw, "spec": spec, "status": status})
    assert causes(rollout.diagnose(pods)) == ["healthy"]


def test_pods_of_the_revision_that_is_being_replaced_do_not_count() -> None:
    rollout = Rollout(NEW, OLD, minutes_ago=1, new_available=2)
    failing = pod("checkout-old-1", [crash_loop()], of=rollout.before)
    progress = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "lastUpdateTime": ago(20)}
    rollout = Rollout(NEW, OLD, minutes_ago=1, new_available=2, conditions=[progress])
    young = rollout.pods(running(since=ago(30)), 2)
    late = rollout.pods(waiting("ContainerCreating"), 3)[2:]
    assert causes(rollout.diagnose(young, late, failing)) == ["rollout_in_progress"]


def test_a_pod_that_is_being_deleted_does_not_count() -> None:
    rollout = Rollout(OLD, NEW, new_available=3, minutes_ago=9000)
    leaving = rollout.pods(crash_loop(), 4, deletionTimestamp=ago(5))[3:]
    assert causes(rollout.diagnose(rollout.pods(running()), leaving)) == ["healthy"]


def _rolled(kind: str, *extra: KubeObject, **spec: Part) -> Diagnosis:
    """A StatefulSet or DaemonSet that was rolled eight minutes ago, and whose one new pod fails."""
    item = workload(kind, "ledger", NEW, replicas=1, spec=spec)
    old = controller_revision(item, 1, OLD)
    new = controller_revision(item, 2, NEW, age=ago(minutes=8))
    labels = {"app": "checkout", "controller-revision-hash": new.name}
    failing = pod("ledger-0", [crash_loop()], of=item, labels=labels, age=ago(minutes=7))
    return diagnose(scene_of(item, old, new, failing, node(), *extra), item.ref)


@pytest.mark.parametrize(
    ("kind", "action"), [("StatefulSet", "rollback_statefulset"), ("DaemonSet", "rollback_daemonset")]
)
def test_stateful_sets_and_daemon_sets_go_back_too(kind: str, action: str) -> None:
    top = best(_rolled(kind))
    assert (top.cause, top.verdict, top.remedies[0].action) == ("crash_after_change", Verdict.ACT, action)
    assert top.remedies[0].parameters == {"revision": 1}


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        ({"type": "OnDelete"}, "only when somebody deletes it"),
        ({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}, "holds a partition"),
    ],
)
def test_a_template_that_would_not_reach_the_pods_is_not_put_back(strategy: Part, words: str) -> None:
    top = best(_rolled("StatefulSet", updateStrategy=strategy))
    assert (top.verdict, top.remedies[0].action) == (Verdict.ESCALATE, "escalate")
    assert words in top.summary


def test_a_revision_whose_pods_had_trouble_before_the_next_one_is_no_way_back() -> None:
    lost = pod("ledger-0")
    told = event(lost, "BackOff", "Back-off restarting", at=ago(minutes=30), uid="of-the-former")
    top = best(_rolled("StatefulSet", told))
    assert (top.verdict, top.remedies[0].action) == (Verdict.ESCALATE, "escalate")


def test_a_controller_revision_that_came_back_is_not_taken_for_an_old_one() -> None:
    item = workload("DaemonSet", "ledger", OLD, replicas=1)
    again = controller_revision(item, 3, OLD, age=ago(minutes=90))
    tried = controller_revision(item, 2, NEW, age=ago(minutes=30))
    found = revisions_of(scene_of(item, again, tried), item)
    assert [(each.number, each.made_at is None) for each in found] == [(3, True), (2, False)]


def held_up(*statuses: Parts, replicas: int = 2, **spec: Part) -> Diagnosis:
    """A StatefulSet whose last pod has a new template; those before it still serve with the old one."""
    item = workload("StatefulSet", "ledger", NEW, replicas=replicas, spec=spec)
    old = controller_revision(item, 1, OLD)
    new = controller_revision(item, 2, NEW, age=ago(minutes=8))
    status = {"updateRevision": new.name, "observedGeneration": 1}
    item = workload("StatefulSet", "ledger", NEW, replicas=replicas, spec=spec, status=status)

    def marked(revision: KubeObject) -> dict[str, str]:
        return {"app": "checkout", "controller-revision-hash": revision.name}

    serving = [pod(f"ledger-{place}", [running()], of=item, labels=marked(old)) for place in range(replicas - 1)]
    failing = pod(f"ledger-{replicas - 1}", [*statuses], of=item, labels=marked(new), age=ago(minutes=7))
    return diagnose(scene_of(item, old, new, failing, *serving, node()), item.ref)


def test_a_stateful_set_goes_back_to_the_revision_that_its_other_pods_still_serve_with() -> None:
    found = held_up(crash_loop())
    assert (best(found).cause, best(found).verdict) == ("crash_after_change", Verdict.ACT)
    assert (best(found).remedies[0].action, best(found).remedies[0].parameters) == (
        "rollback_statefulset",
        {"revision": 1},
    )


def test_people_agree_before_a_program_goes_back_that_may_have_written_to_its_volume() -> None:
    claims: list[Part] = [{"metadata": {"name": "data"}}]
    ran = held_up(crash_loop(), volumeClaimTemplates=claims)
    assert (best(ran).verdict, best(ran).remedies[0].action) == (Verdict.APPROVE, "rollback_statefulset")
    never = held_up(waiting("CreateContainerError", "executable file not found"), volumeClaimTemplates=claims)
    assert (best(never).verdict, best(never).remedies[0].action) == (Verdict.ACT, "rollback_statefulset")


def test_a_bare_pod_and_a_job_get_findings_too() -> None:
    lone = pod("tool", [crash_loop()])
    assert best(diagnose(scene_of(lone), lone.ref)).cause == "crash_without_change"
    job = workload("Job", "import", template(container(), restartPolicy="Never"), status={"failed": 1})
    failed = pod("import-7x2k9", [running(ready=False) | {"state": {"terminated": ended(3)}}], of=job, phase="Failed")
    found = diagnose(scene_of(job, failed), failed.ref)
    assert (best(found).cause, best(found).target, best(found).verdict) == (
        "crash_without_change",
        job.ref,
        Verdict.ESCALATE,
    )


def test_a_crash_that_follows_from_a_broken_dependency_points_there() -> None:
    rollout = Rollout(OLD, NEW, minutes_ago=9000)

    wanted = template(container(), labels={"app": "ledger"})
    ledger = deployment("ledger", template(container(args=["bad"]), labels={"app": "ledger"}), replicas=1)
    before = replica_set(ledger, 1, wanted)
    after = replica_set(
        ledger, 2, template(container(args=["bad"]), labels={"app": "ledger"}), desired=1, age=ago(minutes=20)
    )
    down = pod("ledger-1", [crash_loop(restarts=6)], of=after, age=ago(minutes=20))
    front = service("ledger", {"app": "ledger"})
    pods = rollout.pods(crash_loop(restarts=4))
    words = "FATAL dial tcp: connect to ledger:5432: connection refused"
    found = rollout.diagnose(
        pods, ledger, before, after, down, front, endpoint_slice(front, not_ready=1), logs={pods[0]: words}
    )
    assert (best(found).cause, best(found).target) == ("crash_after_change", ledger.ref)
    assert causes(found)[1] == "crash_without_change"


def test_a_pod_whose_end_was_not_seen_is_no_second_cause_beside_its_sibling() -> None:
    rollout = Rollout(OLD, OLD, minutes_ago=9000)
    seen = rollout.pods(crash_loop(137, "OOMKilled"), 1)
    unseen = rollout.pods(waiting("CrashLoopBackOff"), 2)[1:]
    assert "crash_without_change" not in causes(rollout.diagnose(seen, unseen))
