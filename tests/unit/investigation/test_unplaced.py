"""Pods that find no node for a reason that the nodes themselves do not show."""

from __future__ import annotations

import re

import pytest

from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.diagnosing import diagnose
from kubernaut.investigation.unplaced import decides
from tests.objects import Part, Parts, container, event, metadata, node, pod, quota, template, unschedulable
from tests.unit.investigation.scenes import Rollout, best, causes, scene_of, texts

TAIL = " preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
ANTI = "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules." + TAIL
PORTS = "0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports." + TAIL
SPREAD = "0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints." + TAIL
CONFLICT = (
    "0/3 nodes are available: 1 node(s) had volume node affinity conflict, "
    "2 node(s) didn't match Pod's node affinity/selector." + TAIL
)
GONE = '0/3 nodes are available: persistentvolumeclaim "records" not found.' + TAIL
UNBOUND = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims." + TAIL
RULE = {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname"}]}
PLAIN = template(container())
STORAGE = frozenset({"StorageClass", "PersistentVolume"})

CHANGES = [
    (ANTI, "unschedulable_pod_affinity", template(container(), affinity={"podAntiAffinity": RULE})),
    (
        ANTI.replace("match pod", "satisfy existing pods"),
        "unschedulable_pod_affinity",
        template(container(), affinity={"podAntiAffinity": RULE}),
    ),
    (SPREAD, "topology_spread_blocks", template(container(), topologySpreadConstraints=[{"maxSkew": 1}])),
    (PORTS, "host_port_taken", template(container(ports=[{"containerPort": 9100, "hostPort": 9100}]))),
    (CONFLICT, "volume_on_other_node", template(container(), nodeSelector={"kubernetes.io/hostname": "worker-2"})),
    (
        GONE,
        "claim_missing",
        template(container(), volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "records"}}]),
    ),
]


def nodes() -> list[KubeObject]:
    return [node(f"worker-{number}") for number in (1, 2, 3)]


def waiting_pods(rollout: Rollout, message: str, count: int = 3) -> list[KubeObject]:
    return rollout.pods(None, count, node=None, conditions=unschedulable(message))


def claim(name: str = "records", class_name: str = "fast", **spec: Part) -> KubeObject:
    wanted: Parts = {
        "storageClassName": class_name,
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "10Gi"}},
    }
    return KubeObject(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": metadata("PersistentVolumeClaim", name),
            "spec": wanted | spec,
            "status": {"phase": "Pending"},
        }
    )


def volume(name: str, class_name: str = "fast", **spec: Part) -> KubeObject:
    wanted: Parts = {"storageClassName": class_name, "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "20Gi"}}
    labels = spec.pop("labels", {})
    return KubeObject(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": metadata("PersistentVolume", name, "", labels=labels),
            "spec": wanted | spec,
            "status": {"phase": "Available"},
        }
    )


def storage_class(name: str, provisioner: str = "ebs.csi.example") -> KubeObject:
    made = metadata("StorageClass", name, "")
    return KubeObject(
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": made, "provisioner": provisioner}
    )


@pytest.mark.parametrize(("message", "cause", "new"), CHANGES)
def test_a_change_that_leaves_no_place_is_rolled_back(message: str, cause: str, new: Parts) -> None:
    rollout = Rollout(PLAIN, new, old_available=3)
    pods = waiting_pods(rollout, message, 1)
    found = diagnose(
        scene_of(rollout.parts, nodes(), pods, event(pods[0], "FailedScheduling", message)), rollout.deployment.ref
    )
    top = best(found)
    assert (top.cause, top.verdict) == (cause, Verdict.ACT)
    assert top.remedies[0].parameters == {"revision": 6}


@pytest.mark.parametrize(("message", "cause", "new"), CHANGES)
def test_a_rule_that_was_there_before_goes_to_people(message: str, cause: str, new: Parts) -> None:
    old = template(container(image="registry.example/shop:1.8.1"))
    old["spec"] |= {key: value for key, value in new["spec"].items() if key != "containers"}
    new = template(*({**part, "image": "registry.example/shop:1.8.2"} for part in new["spec"]["containers"]))
    new["spec"] |= {key: value for key, value in old["spec"].items() if key != "containers"}
    old["spec"]["containers"] = [{**part, "image": "registry.example/shop:1.8.1"} for part in new["spec"]["containers"]]
    rollout = Rollout(old, new, old_available=3)
    found = diagnose(scene_of(rollout.parts, nodes(), waiting_pods(rollout, message, 1)), rollout.deployment.ref)
    # Where the former pods themselves are in the way, what serves is gone back to, if a person agrees.
    expected = Verdict.APPROVE if "anti-affinity" in message else Verdict.ESCALATE
    assert (best(found).cause, best(found).verdict) == (cause, expected)


def test_nodes_that_the_pod_may_not_use_do_not_decide() -> None:
    form = re.compile("volume node affinity")
    assert decides(CONFLICT, form)
    assert not decides(ANTI, form)


def test_the_reason_of_the_fewest_nodes_is_not_told() -> None:
    message = (
        "0/9 nodes are available: 1 node(s) didn't have free ports for the requested pod ports, 8 Insufficient cpu."
    )
    rollout = Rollout(PLAIN, CHANGES[3][2], old_available=3)
    found = diagnose(scene_of(rollout.parts, nodes(), waiting_pods(rollout, message, 1)), rollout.deployment.ref)
    assert "host_port_taken" not in causes(found)


def test_a_claim_that_came_meanwhile_lowers_the_confidence() -> None:
    rollout = Rollout(PLAIN, CHANGES[5][2], old_available=3)
    pods = waiting_pods(rollout, GONE, 1)
    missing = best(diagnose(scene_of(rollout.parts, nodes(), pods), rollout.deployment.ref))
    there = best(diagnose(scene_of(rollout.parts, nodes(), pods, claim()), rollout.deployment.ref))
    assert there.confidence < missing.confidence
    assert there.verdict is not Verdict.ACT


def test_a_full_quota_beside_a_missing_claim_is_told() -> None:
    new = CHANGES[5][2]
    rollout = Rollout(new, new, minutes_ago=900)
    full = quota("storage", {"persistentvolumeclaims": "2"}, {"persistentvolumeclaims": "2"})
    found = diagnose(scene_of(rollout.parts, nodes(), waiting_pods(rollout, GONE), full), rollout.deployment.ref)
    assert "quota storage: persistentvolumeclaims is used up" in texts(found)


MOUNT = template(container(), volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "records"}}])


def test_a_claim_of_an_unknown_class_is_told_for_the_workload_and_for_the_claim() -> None:
    rollout = Rollout(MOUNT, MOUNT, minutes_ago=900)
    item = claim(class_name="gold")
    said = event(item, "ProvisioningFailed", 'storageclass.storage.k8s.io "gold" not found', count=40)
    scene = scene_of(
        rollout.parts, nodes(), waiting_pods(rollout, UNBOUND), item, said, storage_class("fast"), also=STORAGE
    )
    for ref in (rollout.deployment.ref, item.ref):
        top = best(diagnose(scene, ref))
        assert (top.cause, top.verdict, top.target) == ("storage_class_missing", Verdict.ESCALATE, item.ref)


MISFITS: list[tuple[Parts, Parts, str]] = [
    ({"capacity": {"storage": "5Gi"}}, {}, "has 5Gi, 10Gi is asked for"),
    ({}, {"accessModes": ["ReadWriteMany"]}, "offers ReadWriteOnce, not ReadWriteMany"),
    ({"labels": {"tier": "cold"}}, {"selector": {"matchLabels": {"tier": "hot"}}}, "lacks the label tier=hot"),
    ({"claimRef": {"namespace": "shop", "name": "other", "uid": "u"}}, {}, "kept for shop/other"),
    ({"claimRef": {"namespace": "shop", "name": "records", "uid": "former"}}, {}, "kept for a former claim"),
]


@pytest.mark.parametrize(("offered", "asked", "why"), MISFITS)
def test_a_claim_that_no_volume_fits_says_which_demand_is_not_met(offered: Parts, asked: Parts, why: str) -> None:
    rollout = Rollout(MOUNT, MOUNT, minutes_ago=900)
    item = claim(class_name="", **asked)
    said = event(item, "FailedBinding", "no persistent volumes available for this claim and no storage class is set")
    scene = scene_of(
        rollout.parts, nodes(), waiting_pods(rollout, UNBOUND), item, said, volume("pv-1", "", **offered), also=STORAGE
    )
    top = best(diagnose(scene, rollout.deployment.ref))
    assert (top.cause, top.verdict) == ("claim_unbound", Verdict.ESCALATE)
    assert why in top.summary


@pytest.mark.parametrize(
    "scheduler", [UNBOUND, 'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded']
)
def test_a_provisioner_that_cannot_is_told_in_its_own_words(scheduler: str) -> None:
    rollout = Rollout(MOUNT, MOUNT, minutes_ago=900)
    item = claim()
    said = event(item, "ProvisioningFailed", "failed to provision volume: VolumeLimitExceeded: 20 of 20")
    scene = scene_of(
        rollout.parts, nodes(), waiting_pods(rollout, scheduler), item, said, storage_class("fast"), also=STORAGE
    )
    top = best(diagnose(scene, rollout.deployment.ref))
    assert top.cause == "provisioning_failed"
    assert "VolumeLimitExceeded" in top.summary


def test_a_claim_that_waits_for_its_first_pod_is_no_fault() -> None:
    item = claim()
    said = event(item, "WaitForFirstConsumer", "waiting for first consumer to be created before binding", type="Normal")
    assert causes(diagnose(scene_of(item, said, storage_class("fast"), node(), also=STORAGE), item.ref)) == []


def test_pods_that_were_pushed_away_by_higher_priority_are_told_apart_from_a_full_cluster() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=900)
    full = "0/3 nodes are available: 3 Insufficient cpu." + TAIL
    pods = waiting_pods(rollout, full)
    pushed = event(
        pods[0], "Preempted", "Preempted by pod 8a1f on node worker-1", type="Normal",
        name=f"{rollout.after.name}-zzzzz", uid="gone",
    )  # fmt: skip
    heavy = pod("batch-1", [], spec={"containers": [container()], "priority": 100000})
    top = best(diagnose(scene_of(rollout.parts, nodes(), pods, pushed, heavy), rollout.deployment.ref))
    assert (top.cause, top.verdict) == ("preempted", Verdict.ESCALATE)
    without = best(diagnose(scene_of(rollout.parts, nodes(), pods, heavy), rollout.deployment.ref))
    assert without.cause == "insufficient_resources"


@pytest.mark.parametrize(("owner", "replicas", "cause"), [
    ("x.example/v1", 100000, "operator_asks_too_much"),
    ("x.example/v1", 40, "insufficient_resources"),
])  # fmt: skip
def test_an_operator_that_asks_for_more_than_the_cluster_holds_is_named(owner: str, replicas: int, cause: str) -> None:
    above: Part = [{"apiVersion": owner, "kind": "Shop", "name": "main", "uid": "u1", "controller": True}]
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=30, replicas=replicas, meta={"ownerReferences": above})
    pods = waiting_pods(rollout, "0/3 nodes are available: 3 Too many pods." + TAIL)
    top = best(diagnose(scene_of(rollout.parts, nodes(), pods), rollout.deployment.ref))
    assert (top.cause, top.verdict) == (cause, Verdict.ESCALATE)


def test_a_pod_that_no_scheduler_spoke_of_is_told_after_a_while() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=12)
    silent = rollout.pods(None, 2, node=None, conditions=[])
    top = best(diagnose(scene_of(rollout.parts, nodes(), silent), rollout.deployment.ref))
    assert (top.cause, top.verdict) == ("scheduler_silent", Verdict.ESCALATE)
    new = Rollout(PLAIN, PLAIN, minutes_ago=0.5)
    young = new.pods(None, 2, node=None, conditions=[])
    assert causes(diagnose(scene_of(new.parts, nodes(), young), new.deployment.ref)) == ["rollout_in_progress"]
    gated = rollout.pods(
        None, 1, node=None, conditions=[], spec={"containers": [container()], "schedulingGates": [{"name": "q"}]}
    )
    assert "scheduler_silent" not in causes(diagnose(scene_of(rollout.parts, nodes(), gated), rollout.deployment.ref))
