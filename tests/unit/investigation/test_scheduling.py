from __future__ import annotations

from kubernaut.domain.diagnosis import Diagnosis, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.diagnosing import diagnose
from kubernaut.investigation.scheduling import Obstacle, parts
from tests.objects import Part, Parts, ago, container, event, managed, node, template, unschedulable
from tests.unit.investigation.scenes import Rollout, best, causes, scene_of, texts

PLAIN = template(container())
AFTER = " preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
SELECTOR = f"0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.{AFTER}"
CONTROL = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


def diagnosis(rollout: Rollout, message: str, *nodes: KubeObject, **extra: Part) -> Diagnosis:
    pods = rollout.pods(None, 2, node=None, conditions=unschedulable(message), phase="Pending")
    made = scene_of(rollout.parts, list(nodes), pods, [event(pods[0], "FailedScheduling", message)], **extra)
    return diagnose(made, rollout.deployment.ref)


def test_a_schedulers_message_is_taken_apart_at_its_counts() -> None:
    message = (
        "0/6 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {dedicated: batch, x}, 2 node(s) "
        f"didn't match Pod's node affinity/selector, 1 node(s) were unschedulable, 1 Too many pods.{AFTER}"
    )
    kinds = [(count, kind) for count, kind, _ in parts(message)]
    assert kinds == [
        (1, Obstacle.RESOURCES),
        (1, Obstacle.TAINT),
        (2, Obstacle.SELECTOR),
        (1, Obstacle.CORDON),
        (1, Obstacle.RESOURCES),
    ]


def test_a_selector_that_no_node_meets_is_rolled_back() -> None:
    rollout = Rollout(PLAIN, template(container(), nodeSelector={"disk": "nvme"}), old_available=3)
    found = diagnosis(rollout, SELECTOR, node("w1"), node("w2", labels={"disk": "ssd"}), node("m1", taints=[CONTROL]))
    top = best(found)
    assert (top.cause, top.verdict) == ("unschedulable_node_selector", Verdict.ACT)
    assert "none of the 2 nodes meets disk=nvme" in texts(found)
    assert top.remedies[0].parameters == {"revision": 6}


def test_required_affinity_counts_as_a_selector() -> None:
    term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["c", "d"]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
    rollout = Rollout(PLAIN, template(container(), affinity=affinity), old_available=3)
    found = diagnosis(rollout, SELECTOR, node("w1", labels={"zone": "a"}))
    assert best(found).cause == "unschedulable_node_selector"
    assert "zone In [c, d]" in best(found).summary


def test_a_selector_that_a_cordoned_node_meets_is_not_to_blame() -> None:
    wanted = template(container(), nodeSelector={"disk": "ssd"})
    rollout = Rollout(PLAIN, wanted)
    message = (
        "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, "
        f"1 node(s) were unschedulable.{AFTER}"
    )
    w2 = node(
        "w2",
        labels={"disk": "ssd"},
        cordoned=True,
        managedFields=[managed("kubectl-cordon", ago(minutes=20), "spec", "unschedulable")],
    )
    found = diagnosis(rollout, message, node("w1"), w2)
    top = best(found)
    assert (top.cause, top.verdict) == ("nodes_cordoned", Verdict.APPROVE)
    assert (top.remedies[0].action, top.remedies[0].target.name) == ("uncordon_node", "w2")
    assert "cordoned by kubectl-cordon" in texts(found)


def test_a_cordon_that_is_marked_as_maintenance_is_not_lifted() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=5)
    message = f"0/1 nodes are available: 1 node(s) were unschedulable.{AFTER}"
    marked = node("w1", cordoned=True, annotations={"ops.example/maintenance": "kernel upgrade until 18:00"})
    top = best(diagnosis(rollout, message, marked))
    assert (top.cause, top.verdict) == ("nodes_cordoned", Verdict.ESCALATE)
    assert all(remedy.action != "uncordon_node" for remedy in top.remedies)


def test_a_taint_on_every_node_that_fits_is_taken_away_only_where_people_agree() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=5)
    message = f"0/1 nodes are available: 1 node(s) had untolerated taint {{team: data}}.{AFTER}"
    taint = {"key": "team", "value": "data", "effect": "NoSchedule"}
    found = diagnosis(rollout, message, node("w1", taints=[taint]), node("m1", taints=[CONTROL]))
    assert (best(found).cause, best(found).verdict) == ("unschedulable_taint", Verdict.APPROVE)
    cleared = best(found).remedies[0]
    assert (cleared.action, cleared.target.name) == ("untaint_node", "w1")
    assert cleared.parameters == {"key": "team", "effect": "NoSchedule"}
    assert "1 of 1 matching nodes have taint team=data:NoSchedule" in texts(found)


def test_a_toleration_that_the_change_took_away_is_given_back() -> None:
    taint = {"key": "team", "value": "data", "effect": "NoSchedule"}
    bears: Parts = {"key": "team", "operator": "Exists"}
    rollout = Rollout(template(container(), tolerations=[bears]), PLAIN, old_available=3)
    message = f"0/1 nodes are available: 1 node(s) had untolerated taint {{team: data}}.{AFTER}"
    top = best(diagnosis(rollout, message, node("w1", taints=[taint])))
    assert (top.cause, top.verdict) == ("unschedulable_taint", Verdict.ACT)


def test_a_request_larger_than_any_node_is_rolled_back_when_the_change_brought_it() -> None:
    big = template(container(resources={"requests": {"cpu": "64", "memory": "1Gi"}}))
    rollout = Rollout(PLAIN, big, old_available=3)
    found = diagnosis(rollout, f"0/1 nodes are available: 1 Insufficient cpu.{AFTER}", node("w1", cpu="3920m"))
    assert (best(found).cause, best(found).verdict) == ("insufficient_resources", Verdict.ACT)
    assert "cpu 64 > 3920m" in texts(found)


def test_a_full_cluster_goes_to_people_and_an_autoscaler_at_work_speaks_against_it() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=5)
    message = f"0/1 nodes are available: 1 Insufficient memory.{AFTER}"
    top = best(diagnosis(rollout, message, node("w1")))
    assert (top.cause, top.verdict) == ("insufficient_resources", Verdict.ESCALATE)


def test_a_node_that_an_autoscaler_is_making_is_waited_for_for_ten_minutes() -> None:
    message = f"0/1 nodes are available: 1 Insufficient memory.{AFTER}"

    def found(*said: tuple[str, float]) -> Diagnosis:
        rollout = Rollout(PLAIN, PLAIN, minutes_ago=20)
        pods = rollout.pods(None, 1, node=None, conditions=unschedulable(message), phase="Pending")
        words = [event(pods[0], reason, "x", type="Normal", at=ago(minutes=minutes)) for reason, minutes in said]
        return rollout.diagnose(pods, words)

    assert causes(found(("TriggeredScaleUp", 2))) == ["rollout_in_progress"]
    assert causes(found(("TriggeredScaleUp", 4), ("NotTriggerScaleUp", 1))) == ["insufficient_resources"]
    late = found(("TriggeredScaleUp", 15))
    assert (best(late).cause, len(best(late).contradicting)) == ("insufficient_resources", 1)


def test_what_the_scheduler_alone_says_is_not_acted_on_where_the_nodes_could_not_be_read() -> None:
    rollout = Rollout(PLAIN, template(container(), nodeSelector={"disk": "nvme"}), old_available=3)
    top = best(diagnosis(rollout, SELECTOR, unread=frozenset({"Node"})))
    assert (top.cause, top.verdict) == ("unschedulable_node_selector", Verdict.APPROVE)


def test_pods_that_wait_because_a_node_died_point_to_the_node() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=5)
    message = f"0/1 nodes are available: 1 node(s) had untolerated taint {{node.kubernetes.io/unreachable: }}.{AFTER}"
    top = best(diagnosis(rollout, message, node("w1", ready="Unknown")))
    assert (top.cause, top.target.name) == ("node_not_ready", "w1")


def test_an_obstacle_outside_the_catalogue_is_unknown_with_the_schedulers_words() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=5)
    message = f"0/1 nodes are available: 1 node(s) exceed max volume count.{AFTER}"
    found = diagnosis(rollout, message, node("w1"))
    assert causes(found) == ["unknown"]
    assert "exceed max volume count" in texts(found)
