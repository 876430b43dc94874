from __future__ import annotations

from kubernaut.domain.diagnosis import Verdict
from kubernaut.investigation.diagnosing import diagnose
from tests.objects import Part, Parts, ago, container, crash_loop, ended, node, quota, replica_set, running, template
from tests.unit.investigation.scenes import Rollout, best, causes, scene_of, texts


def limited(memory: str | None, **extra: Part) -> Parts:
    resources = {"limits": {"memory": memory}} if memory else {}
    return template(container(resources=resources, **extra))


OOM = {"lastState": {"terminated": ended(137, "OOMKilled")}}


def test_a_container_killed_at_its_limit_gets_twice_as_much() -> None:
    rollout = Rollout(limited("64Mi", args=["a"]), limited("64Mi", args=["b"]), minutes_ago=900)
    top = best(rollout.diagnose(rollout.pods(crash_loop(137, "OOMKilled"))))
    assert (top.cause, top.verdict) == ("memory_limit_too_low", Verdict.ACT)
    assert top.remedies[0].action == "increase_memory_limit"
    assert top.remedies[0].parameters == {"container": "app", "factor": 2.0}


def test_it_counts_while_the_container_runs_again() -> None:
    rollout = Rollout(limited("64Mi"), limited("64Mi"), minutes_ago=900, new_available=3)
    pods = rollout.pods(running(restarts=3, since=ago(30)) | OOM)
    assert best(rollout.diagnose(pods)).cause == "memory_limit_too_low"


def test_a_single_kill_that_was_recovered_from_is_a_question() -> None:
    rollout = Rollout(limited("64Mi"), limited("64Mi"), minutes_ago=900, new_available=3)
    once = {"lastState": {"terminated": ended(137, "OOMKilled", started=ago(minutes=42), finished=ago(minutes=40))}}
    top = best(rollout.diagnose(rollout.pods(running(restarts=1, since=ago(minutes=40)) | once)))
    assert (top.cause, top.verdict) == ("memory_limit_too_low", Verdict.APPROVE)


def test_one_of_last_week_that_runs_well_since_is_no_fault() -> None:
    rollout = Rollout(limited("64Mi"), limited("64Mi"), minutes_ago=90000, new_available=3)
    old = {"lastState": {"terminated": ended(137, "OOMKilled", started=ago(days=6), finished=ago(days=5))}}
    assert causes(rollout.diagnose(rollout.pods(running(restarts=1, since=ago(days=5)) | old))) == ["healthy"]


def test_a_change_that_only_lowered_the_limit_is_rolled_back() -> None:
    rollout = Rollout(limited("256Mi"), limited("32Mi"))
    found = rollout.diagnose(rollout.pods(crash_loop(137, "OOMKilled")))
    top = best(found)
    assert top.verdict is Verdict.ACT
    assert [remedy.action for remedy in top.remedies] == ["rollback_deployment", "increase_memory_limit"]
    assert 'memory: "256Mi" -> "32Mi"' in texts(found)


def test_a_higher_limit_that_was_taken_back_is_not_returned_to() -> None:
    rollout = Rollout(limited("80Mi"), limited("40Mi"))
    history = {"deployment.kubernetes.io/revision-history": "5"}
    rollout.after = replica_set(rollout.deployment, 7, limited("40Mi"), desired=3, annotations=history)
    top = best(rollout.diagnose(rollout.pods(crash_loop(137, "OOMKilled"))))
    assert [remedy.action for remedy in top.remedies] == ["increase_memory_limit"]


def test_code_137_without_the_reason_is_not_a_memory_limit() -> None:
    rollout = Rollout(limited("64Mi"), limited("64Mi"), minutes_ago=900)
    assert "memory_limit_too_low" not in causes(rollout.diagnose(rollout.pods(crash_loop(137, "Error"))))


def test_without_a_limit_of_its_own_it_is_the_nodes_memory() -> None:
    rollout = Rollout(limited(None), limited(None), minutes_ago=900)
    found = rollout.diagnose(rollout.pods(crash_loop(137, "OOMKilled")))
    assert (best(found).cause, best(found).verdict) == ("unknown", Verdict.ESCALATE)
    assert "without a memory limit of its own" in texts(found)


def test_a_node_short_of_memory_speaks_against_it() -> None:
    rollout = Rollout(limited("64Mi"), limited("64Mi"), minutes_ago=900)
    short = node()
    conditions: list[Part] = [
        *(entry.raw for entry in short.conditions()),
        {"type": "MemoryPressure", "status": "True", "message": "low"},
    ]
    status = dict(short.tree("status").raw) | {"conditions": conditions}
    item = type(short)({**short.raw, "status": status})
    scene = scene_of(rollout.parts, rollout.pods(crash_loop(137, "OOMKilled")), item)
    assert best(diagnose(scene, rollout.deployment.ref)).verdict is Verdict.APPROVE


def test_hours_before_the_kill_point_to_a_leak_and_people_are_asked() -> None:
    rollout = Rollout(limited("64Mi"), limited("64Mi"), minutes_ago=9000)
    status = crash_loop(137, "OOMKilled", started=ago(hours=9), finished=ago(60))
    found = rollout.diagnose(rollout.pods(status))
    assert best(found).verdict is Verdict.APPROVE
    assert "as with a leak" in texts(found)


def test_a_quota_without_room_needs_approval_and_a_limit_set_by_others_is_not_raised() -> None:
    rollout = Rollout(limited("64Mi"), limited("64Mi"), minutes_ago=900)
    pods = rollout.pods(crash_loop(137, "OOMKilled"))
    full = quota("compute", {"limits.memory": "256Mi"}, {"limits.memory": "192Mi"})
    assert best(rollout.diagnose(pods, full)).verdict is Verdict.APPROVE
    stamped = rollout.pods(crash_loop(137, "OOMKilled"), spec=limited("16Mi")["spec"])
    found = rollout.diagnose(stamped)
    assert (best(found).cause, best(found).verdict) == ("memory_limit_imposed", Verdict.ESCALATE)
    assert "the pod has limit 16Mi, its template 64Mi" in texts(found)
