"""What must be left alone, and what is honestly not known."""

from __future__ import annotations

from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import ObjectRef
from kubernaut.investigation.diagnosing import diagnose, survey
from tests.objects import (
    ago,
    container,
    deployment,
    ended,
    event,
    node,
    pod,
    replica_set,
    running,
    template,
    unschedulable,
    waiting,
    workload,
)
from tests.unit.investigation.scenes import Rollout, best, causes, scene_of

OLD, NEW = template(container(args=["a"])), template(container(args=["b"]))
PROGRESS = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "lastUpdateTime": ago(40)}


def test_a_healthy_workload_needs_nothing() -> None:
    rollout = Rollout(OLD, NEW, minutes_ago=900, new_available=3)
    top = best(rollout.diagnose(rollout.pods(running())))
    assert (top.cause, top.verdict, top.remedies) == ("healthy", Verdict.DECLINE, ())


def test_noise_of_the_start_that_is_over_is_self_healed() -> None:
    rollout = Rollout(OLD, NEW, minutes_ago=20, new_available=3)
    pods = rollout.pods(running())
    noise = [
        event(
            rollout.after,
            "FailedCreate",
            'error looking up service account shop/checkout: serviceaccount "checkout" not found',
        ),
        event(pods[0], "Unhealthy", "Readiness probe failed: connection refused", at=ago(minutes=19)),
    ]
    scene = scene_of(rollout.parts, pods, noise, node())
    assert causes(diagnose(scene, rollout.deployment.ref)) == ["self_healed"]
    assert survey(scene) == []


def test_a_single_restart_that_healed_is_self_healed() -> None:
    rollout = Rollout(OLD, NEW, minutes_ago=900, new_available=3)
    status = running(restarts=1, since=ago(minutes=4)) | {
        "lastState": {"terminated": ended(1, finished=ago(minutes=4))}
    }
    assert causes(rollout.diagnose(rollout.pods(status))) == ["self_healed"]


def test_a_rollout_within_its_deadline_is_waited_for() -> None:
    rollout = Rollout(OLD, NEW, minutes_ago=0.7, old_available=2, new_available=1, conditions=[PROGRESS])
    pods = [*rollout.pods(running(), 1), *rollout.pods(waiting("ContainerCreating"), 2)[1:]]
    scene = scene_of(rollout.parts, pods, node())
    assert causes(diagnose(scene, rollout.deployment.ref)) == ["rollout_in_progress"]
    assert survey(scene) == []


def test_pods_of_the_former_revision_are_no_health_of_a_rollout() -> None:
    """A pod of the new revision is between two pulls of an image that could not be pulled."""
    counts = {"replicas": 2, "updatedReplicas": 1, "readyReplicas": 1}
    item = deployment("checkout", NEW, replicas=1, status=counts, conditions=[PROGRESS])
    before = replica_set(item, 6, OLD, desired=1, available=1)
    after = replica_set(item, 7, NEW, desired=1, available=0, age=ago(minutes=1))
    old = pod(f"{before.name}-a", [running()], of=before)
    new = pod(f"{after.name}-a", [waiting("ContainerCreating")], of=after, age=ago(minutes=1))
    noise = event(new, "Failed", "Failed to pull image", at=ago(20))
    found = diagnose(scene_of(item, before, after, old, new, noise, node()), item.ref)
    assert causes(found) == ["rollout_in_progress"]


def test_a_rollout_past_its_deadline_is_not_waited_for_but_asked_about() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "lastUpdateTime": ago(40)}
    rollout = Rollout(OLD, NEW, minutes_ago=30, old_available=2, conditions=[late])
    top = best(rollout.diagnose(rollout.pods(waiting("ContainerCreating"))))
    assert (top.cause, top.verdict) == ("rollout_stuck", Verdict.APPROVE)


def test_a_paused_rollout_is_meant_so() -> None:
    rollout = Rollout(OLD, NEW, new_available=3, minutes_ago=900, meta={"spec": {"paused": True}})
    pods = rollout.pods(running(), 2)
    assert causes(rollout.diagnose(pods)) == ["intended_state"]


def test_a_suspended_job_and_a_finished_one_need_nothing() -> None:
    job = workload("Job", "import", template(container()), spec={"suspend": True})
    assert causes(diagnose(scene_of(job), job.ref))[0] in {"intended_state", "healthy"}
    done = workload(
        "Job", "export", template(container()), status={"conditions": [{"type": "Complete", "status": "True"}]}
    )
    failed = pod("export-1", [running(ready=False) | {"state": {"terminated": ended(1)}}], of=done, phase="Failed")
    assert survey(scene_of(done, failed)) == []


def test_a_failed_run_of_a_cron_job_is_history_once_a_later_one_succeeded() -> None:
    by = [{"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "uid": "c1", "controller": True}]
    gave_up = {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}], "failed": 3}
    first = workload("Job", "nightly-1", template(container()), status=gave_up, ownerReferences=by)
    failed = pod("nightly-1-a", [running(ready=False) | {"state": {"terminated": ended(1)}}], of=first, phase="Failed")
    assert [best(found).target for found in survey(scene_of(first, failed))] == [first.ref]
    well = {"conditions": [{"type": "Complete", "status": "True"}]}
    second = workload(
        "Job", "nightly-2", template(container()), status=well, ownerReferences=by, creationTimestamp=ago(60)
    )
    assert survey(scene_of(first, failed, second)) == []


def test_an_evicted_pod_that_was_replaced_is_no_fault() -> None:
    rollout = Rollout(OLD, NEW, minutes_ago=900, new_available=3)
    evicted = rollout.pods(None, 4, phase="Failed")[3:]
    assert causes(rollout.diagnose(rollout.pods(running()), evicted)) == ["healthy"]


def test_an_object_that_does_not_exist_has_no_hypothesis() -> None:
    found = diagnose(scene_of(node()), ObjectRef("apps/v1", "Deployment", "shop", "gone"))
    assert found.best is None
    assert [fact.text for fact in found.evidence] == ["there is no Deployment gone"]


def test_an_object_that_could_not_be_read_is_not_taken_for_a_healthy_one() -> None:
    gone = ObjectRef("apps/v1", "Deployment", "shop", "gone")
    found = diagnose(scene_of(node(), unread=frozenset({"Deployment"})), gone)
    assert (best(found).cause, best(found).verdict) == ("unknown", Verdict.ESCALATE)


def test_a_workload_of_which_nothing_is_known_goes_to_people() -> None:
    rollout = Rollout(OLD, NEW, minutes_ago=90)
    pods = rollout.pods(running(ready=False, since=ago(minutes=80)))
    top = best(rollout.diagnose(pods))
    assert (top.cause, top.verdict) == ("unknown", Verdict.ESCALATE)
    assert [remedy.action for remedy in top.remedies] == ["collect_diagnostics", "escalate"]


def tried(failed: int) -> list[str]:
    """What is found of a Job of which so many tries failed, while the next one runs."""
    job = workload("Job", "import", template(container()), status={"failed": failed, "active": 1})
    over = running(ready=False) | {"state": {"terminated": ended(1, finished=ago(minutes=9))}}
    tries = [pod(f"import-{n}", [over], of=job, phase="Failed", age=ago(minutes=20 - n)) for n in range(failed)]
    last = pod("import-z", [running(since=ago(minutes=8))], of=job, age=ago(minutes=8))
    return causes(diagnose(scene_of(job, tries, last, node()), job.ref))


def test_a_job_that_tries_again_after_one_failure_needs_nothing_and_one_that_fails_again_does() -> None:
    assert tried(1) == ["healthy"]
    assert tried(2) == ["crash_without_change"]


def test_pods_that_only_keep_room_for_others_may_wait() -> None:
    full = unschedulable("0/1 nodes are available: 1 Insufficient cpu.")

    def found(image: str, priority: int) -> list[str]:
        item = deployment("checkout", template(container(image=image), priority=priority), replicas=1)
        made = replica_set(item, 1, template(container(image=image), priority=priority), desired=1)
        held = pod("checkout-a", of=made, node=None, conditions=full)
        return causes(diagnose(scene_of(item, made, held, node()), item.ref))

    assert found("registry.k8s.io/pause:3.10", -1000) == ["intended_state"]
    assert found("registry.k8s.io/pause:3.10", 0) == ["insufficient_resources"]
    assert found("registry.example/sweeper:1", -1000) == ["insufficient_resources"]
