"""Pods that have a node and do not get on: volumes, sandboxes, evictions, pulls, deletions, controllers, schedules."""

from __future__ import annotations

import pytest

from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.investigation.diagnosing import diagnose, survey
from tests.objects import (
    Part,
    Parts,
    ago,
    container,
    crash_loop,
    event,
    managed,
    metadata,
    node,
    owner,
    pod,
    running,
    template,
    waiting,
    workload,
)
from tests.unit.investigation.scenes import Rollout, best, causes, scene_of, texts

PLAIN = template(container())
MOUNT = template(container(), volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "records"}}])
CREATING = waiting("ContainerCreating")


def claim(*modes: str) -> KubeObject:
    made = metadata("PersistentVolumeClaim", "records")
    spec: Parts = {"accessModes": list(modes)}
    status: Parts = {"phase": "Bound"}
    return KubeObject(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": made, "spec": spec, "status": status}
    )


MOUNTS = [
    ("FailedMount", 'MountVolume.SetUp failed for volume "pv-1": mount failed: exit status 32: Connection timed out'),
    ("FailedMount", "Unable to attach or mount volumes: unmounted volumes=[d]: timed out waiting for the condition"),
    ("FailedAttachVolume", 'AttachVolume.Attach failed for volume "pv-1": rpc error: volume vol-1 does not exist'),
]


@pytest.mark.parametrize(("reason", "message"), MOUNTS)
def test_a_volume_that_does_not_mount_is_told_and_goes_back_only_with_a_change(reason: str, message: str) -> None:
    changed, same = Rollout(PLAIN, MOUNT, old_available=2), Rollout(MOUNT, MOUNT, minutes_ago=9000)
    for rollout, verdict in ((changed, Verdict.ACT), (same, Verdict.ESCALATE)):
        pods = rollout.pods(CREATING, 1, phase="Pending")
        top = best(rollout.diagnose(pods, event(pods[0], reason, message)))
        assert (top.cause, top.verdict) == ("volume_not_mounted", verdict)


def test_a_mount_that_was_late_and_came_is_no_fault() -> None:
    rollout = Rollout(MOUNT, MOUNT, minutes_ago=30, new_available=3)
    pods = rollout.pods(running())
    assert causes(rollout.diagnose(pods, event(pods[0], *MOUNTS[0]))) == ["self_healed"]


IN_USE = 'Multi-Attach error for volume "pv-1" Volume is already used by pod(s) checkout-5d9c-x2x4b'


def test_replicas_that_share_a_volume_for_one_node_are_brought_down_to_those_that_run() -> None:
    rollout = Rollout(MOUNT, MOUNT, minutes_ago=900, replicas=2, new_available=1)
    pods = [*rollout.pods(running(), 1), *rollout.pods(CREATING, 2, phase="Pending")[1:]]
    found = rollout.diagnose(pods, claim("ReadWriteOnce"), event(pods[1], "FailedAttachVolume", IN_USE))
    top = best(found)
    assert (top.cause, top.verdict) == ("volume_in_use", Verdict.ACT)
    assert (top.remedies[0].action, top.remedies[0].parameters) == ("scale_workload", {"replicas": 1})


def test_a_volume_for_many_nodes_or_a_rollout_that_takes_turns_is_not_scaled_down() -> None:
    rollout = Rollout(MOUNT, MOUNT, minutes_ago=900, replicas=2, new_available=1)
    pods = [*rollout.pods(running(), 1), *rollout.pods(CREATING, 2, phase="Pending")[1:]]
    said = event(pods[1], "FailedAttachVolume", IN_USE)
    assert best(rollout.diagnose(pods, claim("ReadWriteMany"), said)).verdict is Verdict.ESCALATE
    turn = Rollout(MOUNT, template(container(args=["b"]), volumes=MOUNT["spec"]["volumes"]), replicas=1)
    new = turn.pods(CREATING, 1, phase="Pending")
    old = pod(f"{turn.before.name}-x", [running()], of=turn.before)
    found = turn.diagnose(new, old, claim("ReadWriteOnce"), event(new[0], "FailedAttachVolume", IN_USE))
    assert (best(found).cause, best(found).verdict) == ("volume_in_use", Verdict.ESCALATE)


SANDBOX = "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: "
BOXES = [
    (f'{SANDBOX}plugin type="calico" failed (add): no free affine blocks', "no pod address is left"),
    (f"{SANDBOX}failed to assign an IP address to container", "no pod address is left"),
    ("rpc error: dial unix /run/containerd/containerd.sock: connect: connection refused", "runtime does not answer"),
    (f'{SANDBOX}plugin type="cilium-cni" failed (add): unable to connect', "the network plugin fails"),
]


@pytest.mark.parametrize(("message", "why"), BOXES)
def test_a_pod_that_its_node_cannot_set_up_says_what_fails_there(message: str, why: str) -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=30)
    pods = rollout.pods(CREATING, 1, phase="Pending")
    top = best(rollout.diagnose(pods, event(pods[0], "FailedCreatePodSandBox", message, count=30)))
    assert (top.cause, top.verdict) == ("sandbox_not_made", Verdict.ESCALATE)
    assert why in top.summary


def evicted(rollout: Rollout, message: str, count: int = 1) -> list[KubeObject]:
    found = []
    for number in range(count):
        made = pod(f"{rollout.after.name}-e{number}", [], of=rollout.after, phase="Failed", age=ago(minutes=20))
        status: Part = dict(made.tree("status").raw) | {"reason": "Evicted", "message": message}
        found.append(KubeObject({**made.raw, "status": status}))
    return found


def pressed(kind: str) -> KubeObject:
    item = node()
    state: Part = next(iter(item.trees("status", "conditions"))).raw
    more: Part = {"type": kind, "status": "True", "reason": f"KubeletHas{kind}", "message": "kubelet has pressure"}
    status: Part = dict(item.tree("status").raw) | {"conditions": [state, more]}
    return KubeObject({**item.raw, "status": status})


LOW = "The node was low on resource: ephemeral-storage. Threshold quantity: 8Gi, available: 2Gi. "


def test_pods_that_a_full_node_evicts_point_to_the_node() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=900, new_available=2)
    pods = [*rollout.pods(running(), 2), *evicted(rollout, LOW)]
    full = pressed("DiskPressure")
    scene = scene_of(rollout.parts, full, pods)
    for ref in (rollout.deployment.ref, full.ref):
        top = best(diagnose(scene, ref))
        assert (top.cause, top.verdict, top.target) == ("evicted_by_node", Verdict.ESCALATE, full.ref)
    assert [one.best.target for one in survey(scene) if one.best] == [full.ref]


def test_pods_that_were_evicted_and_replaced_are_no_fault() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=900, new_available=3)
    found = rollout.diagnose(rollout.pods(running()), evicted(rollout, LOW))
    assert causes(found) == ["healthy"]


OVER = "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. "


@pytest.mark.parametrize(
    "message", [OVER, "Container app exceeded its local ephemeral storage limit \"1Gi\". ",
                'Usage of EmptyDir volume "tmp" exceeds the limit "64Mi". ']
)  # fmt: skip
def test_pods_that_write_more_than_they_may_again_and_again_are_told_apart(message: str) -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=900, new_available=3)
    top = best(rollout.diagnose(rollout.pods(running()), evicted(rollout, message, 3)))
    assert (top.cause, top.verdict) == ("ephemeral_storage_exceeded", Verdict.ESCALATE)
    once = rollout.diagnose(rollout.pods(running()), evicted(rollout, message))
    assert causes(once) == ["healthy"]


PULLS = [
    (waiting("ErrImagePull", "429 Too Many Requests: toomanyrequests: You have reached your pull rate limit."),
     "pull_rate_limited", Verdict.ESCALATE),
    (waiting("InvalidImageName", 'Failed to apply default image tag "shop:${TAG}": couldn\'t parse image name'),
     "image_name_invalid", Verdict.ACT),
    (waiting("ErrImageNeverPull", 'Container image "shop:2" is not present with pull policy of Never'),
     "image_never_pulled", Verdict.ACT),
]  # fmt: skip


@pytest.mark.parametrize(("status", "cause", "verdict"), PULLS)
def test_pulls_that_fail_for_other_reasons_than_a_missing_image(status: Parts, cause: str, verdict: Verdict) -> None:
    new = template(container(image="registry.example/shop:9"))
    rollout = Rollout(PLAIN, new, old_available=3)
    found = rollout.diagnose(rollout.pods(status, 1))
    assert causes(found) == [cause]
    assert best(found).verdict is verdict
    same = Rollout(new, new, minutes_ago=9000)
    assert best(same.diagnose(same.pods(status, 1))).verdict is Verdict.ESCALATE


def test_a_deleted_object_that_its_finalizer_holds_is_told_after_a_while() -> None:
    late: Parts = {"deletionTimestamp": ago(minutes=30), "finalizers": ["records.example/backup"]}
    held = Rollout(PLAIN, PLAIN, minutes_ago=900, new_available=3, meta=late)
    top = best(held.diagnose(held.pods(running())))
    assert (top.cause, top.verdict) == ("stuck_terminating", Verdict.ESCALATE)
    assert "records.example/backup" in top.summary
    soon = Rollout(PLAIN, PLAIN, minutes_ago=900, new_available=3, meta=late | {"deletionTimestamp": ago(minutes=1)})
    assert "stuck_terminating" not in causes(soon.diagnose(soon.pods(running())))


def test_a_pod_that_does_not_go_from_a_dead_node_is_the_nodes_fault() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=900, new_available=2)
    leaving = pod(f"{rollout.after.name}-z", [running()], of=rollout.after, deletionTimestamp=ago(minutes=20))
    dead = diagnose(scene_of(rollout.parts, node(ready="Unknown"), leaving), rollout.deployment.ref)
    assert causes(dead) == ["node_not_ready"]
    alive = diagnose(scene_of(rollout.parts, node(), leaving), rollout.deployment.ref)
    assert best(alive).cause == "stuck_terminating"
    assert best(alive).target == leaving.ref


def behind(minutes: float) -> Rollout:
    written = [managed("kubectl-edit", ago(minutes=minutes), "spec", "template")]
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=900, new_available=3, meta={"managedFields": written})
    status: Part = dict(rollout.deployment.tree("status").raw) | {"observedGeneration": 5}
    rollout.deployment = KubeObject({**rollout.deployment.raw, "status": status})
    return rollout


def test_a_change_that_no_controller_takes_up_for_minutes_is_told() -> None:
    late = behind(12)
    top = best(late.diagnose(late.pods(running())))
    assert (top.cause, top.verdict) == ("controllers_silent", Verdict.ESCALATE)
    soon = behind(0.5)
    assert causes(soon.diagnose(soon.pods(running()))) == ["rollout_in_progress"]


def job(name: str, begun: float, ended: float, account: str = "tuner") -> KubeObject:
    cron: Part = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "tuning", "uid": "c1", "controller": True}
    return workload(
        "Job",
        name,
        template(container(), serviceAccountName=account),
        status={
            "startTime": ago(minutes=begun),
            "completionTime": ago(minutes=ended),
            "conditions": [{"type": "Complete", "status": "True"}],
        },
        ownerReferences=[cron],
    )


def test_a_limit_that_a_scheduled_job_lowers_points_to_its_cronjob() -> None:
    old = template(container(resources={"limits": {"memory": "256Mi"}}))
    new = template(container(resources={"limits": {"memory": "32Mi"}}))
    rollout = Rollout(old, new, minutes_ago=10)
    pods = rollout.pods(crash_loop(137, "OOMKilled"))
    found = rollout.diagnose(pods, job("tuning-1", 10.1, 9.9))
    assert causes(found) == ["changed_by_schedule"]
    assert best(found).verdict is Verdict.APPROVE
    assert (best(found).remedies[0].action, best(found).remedies[0].target.kind) == ("suspend_cronjob", "CronJob")
    for other in (job("tuning-1", 60, 50), job("tuning-1", 10.1, 9.9, "default")):
        assert causes(rollout.diagnose(pods, other)) == ["memory_limit_too_low"]


def test_a_stateful_set_that_waits_for_a_broken_pod_of_a_former_revision_has_it_replaced_with_approval() -> None:
    item = workload(
        "StatefulSet", "ledger", PLAIN, replicas=2, status={"updateRevision": "ledger-7", "currentRevision": "ledger-6"}
    )
    meta: Part = {"labels": {"app": "ledger", "controller-revision-hash": "ledger-6"}}
    stuck = pod("ledger-0", [waiting("ImagePullBackOff", "not found")], of=item, **meta)
    found = diagnose(scene_of(item, stuck, node()), item.ref)
    assert (best(found).cause, best(found).verdict) == ("stateful_set_held_up", Verdict.APPROVE)
    assert best(found).remedies[0].target == ObjectRef("v1", "Pod", "shop", "ledger-0")
    current: Part = {"labels": {"app": "ledger", "controller-revision-hash": "ledger-7"}}
    new = pod("ledger-0", [waiting("ImagePullBackOff", "not found")], of=item, **current)
    assert "stateful_set_held_up" not in causes(diagnose(scene_of(item, new, node()), item.ref))


def test_a_limit_that_a_limit_range_gives_is_named() -> None:
    item = workload("StatefulSet", "ledger", PLAIN, replicas=1)
    given = template(container(resources={"limits": {"memory": "32Mi"}}))["spec"]
    killed = pod("ledger-0", [crash_loop(137, "OOMKilled")], of=item, spec=given)
    bounds = KubeObject(
        {
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": metadata("LimitRange", "defaults"),
            "spec": {"limits": [{"type": "Container", "default": {"memory": "32Mi"}}]},
        }
    )
    found = diagnose(scene_of(item, killed, bounds, node()), item.ref)
    assert causes(found) == ["memory_limit_imposed"]
    assert "LimitRange defaults gives 32Mi" in texts(found)


def test_a_job_that_gave_up_is_for_people_and_one_whose_successor_worked_is_history() -> None:
    cron = KubeObject({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata("CronJob", "report")})
    gave_up: Part = [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "limit"}]
    failed = workload(
        "Job", "report-1", PLAIN, status={"conditions": gave_up}, ownerReferences=owner(cron),
        creationTimestamp=ago(hours=2),
    )  # fmt: skip
    pods = [pod("report-1-x", [crash_loop(1)], of=failed)]
    found = diagnose(scene_of(failed, pods, node()), failed.ref)
    assert causes(found) == ["job_failed"]
    assert best(found).verdict is Verdict.ESCALATE
    good: Part = [{"type": "Complete", "status": "True"}]
    later = workload(
        "Job", "report-2", PLAIN, status={"conditions": good}, ownerReferences=owner(cron),
        creationTimestamp=ago(hours=1),
    )  # fmt: skip
    assert "job_failed" not in causes(diagnose(scene_of(cron, failed, later, pods, node()), failed.ref))


def test_a_sidecar_that_outlives_the_work_of_a_job_is_named() -> None:
    item = workload("Job", "report", template(container(), container("proxy")))
    status: Part = {
        "name": "app",
        "ready": False,
        "restartCount": 0,
        "state": {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": ago(minutes=40)}},
        "lastState": {},
    }
    found = diagnose(scene_of(item, pod("report-x", [status, running("proxy")], of=item), node()), item.ref)
    assert (best(found).cause, best(found).verdict) == ("job_sidecar_runs_on", Verdict.ESCALATE)
    assert "container proxy runs on" in best(found).summary
    fresh: Part = {**status, "state": {"terminated": {"exitCode": 0, "finishedAt": ago(minutes=1)}}}
    found = diagnose(scene_of(item, pod("report-x", [fresh, running("proxy")], of=item), node()), item.ref)
    assert "job_sidecar_runs_on" not in causes(found)
