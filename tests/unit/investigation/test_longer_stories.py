"""Faults beside their plain form: of a template that worked, of another namespace, of nobody's pods."""

from __future__ import annotations

import json

import pytest

from kubernaut.domain.diagnosis import Diagnosis, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.diagnosing import diagnose
from tests.objects import (
    Part,
    Parts,
    ago,
    configuration,
    container,
    controller_revision,
    crash_loop,
    endpoint_slice,
    event,
    managed,
    metadata,
    node,
    pod,
    replica_set,
    running,
    service,
    template,
    waiting,
    workload,
)
from tests.unit.investigation.scenes import Rollout, best, causes, scene_of

MODE: Parts = {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "mode"}}}
READING = template(container(env=[MODE]))
PLAIN = template(container())
CALLING = template(container(env=[{"name": "STORE_ADDR", "value": "http://stock:80"}]))
MORE = frozenset({"NetworkPolicy", "Ingress", "IngressClass"})


def other(api_version: str, kind: str, name: str, spec: Parts, **meta: Part) -> KubeObject:
    return KubeObject({"apiVersion": api_version, "kind": kind, "metadata": metadata(kind, name, **meta), "spec": spec})


def done(rollout: Rollout, at: str) -> Rollout:
    """The rollout with its Deployment's word that it was done then."""
    text = f'ReplicaSet "{rollout.after.name}" has successfully progressed.'
    state: Parts = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": text}
    return Rollout(
        rollout.old, rollout.new, minutes_ago=rollout.minutes_ago, conditions=[{**state, "lastUpdateTime": at}]
    )


def remade(rollout: Rollout, status: Parts, minutes: float = 2) -> KubeObject:
    return pod(f"{rollout.after.name}-z9z9z", [status], of=rollout.after, age=ago(minutes=minutes))


MISSING = waiting("CreateContainerConfigError", 'configmap "flags" not found')


def test_a_template_that_was_rolled_out_before_its_map_was_deleted_is_not_gone_back_from() -> None:
    rollout = done(Rollout(PLAIN, READING, minutes_ago=12), ago(minutes=11))
    top = best(rollout.diagnose(remade(rollout, MISSING)))
    assert (top.cause, top.verdict, top.remedies[0].action) == ("missing_configmap", Verdict.ESCALATE, "escalate")


def test_a_template_whose_older_sibling_runs_is_not_gone_back_from() -> None:
    rollout = Rollout(PLAIN, READING, minutes_ago=12)
    sibling = pod(f"{rollout.after.name}-a1a1a", [running()], of=rollout.after, age=ago(minutes=12))
    top = best(rollout.diagnose(sibling, remade(rollout, MISSING)))
    assert (top.cause, top.verdict) == ("missing_configmap", Verdict.ESCALATE)


def test_a_crash_after_an_edit_is_not_blamed_on_the_release_that_worked_before_it() -> None:
    rollout = done(Rollout(PLAIN, READING, minutes_ago=12), ago(minutes=11))
    edited = configuration("ConfigMap", "flags", ["mode"], managedFields=[managed("kubectl", ago(minutes=3), "data")])
    found = rollout.diagnose(remade(rollout, crash_loop(started=ago(100), finished=ago(99))), edited)
    assert causes(found)[0] == "configuration_edited"
    assert "crash_after_change" not in causes(found)


def test_pods_that_crashed_before_they_were_made_anew_prove_nothing_good() -> None:
    rollout = done(Rollout(PLAIN, READING, minutes_ago=12), ago(minutes=11))
    former = pod(f"{rollout.after.name}-gone1", [running()], of=rollout.after, age=ago(minutes=12))
    backed_off = event(former, "BackOff", "Back-off restarting failed container app", at=ago(minutes=8))
    found = rollout.diagnose(remade(rollout, crash_loop(started=ago(100), finished=ago(99))), backed_off)
    assert causes(found)[0] == "crash_after_change"


def test_a_restart_that_only_stamps_the_template_does_not_hide_the_change_before_it() -> None:
    bad = template(container(args=["--fast"]))
    rollout = Rollout(bad, template(container(args=["--fast"]), annotations={"kubectl.kubernetes.io/restartedAt": "x"}))
    broken = replica_set(rollout.deployment, 6, bad, age=ago(minutes=13))
    good = replica_set(rollout.deployment, 5, PLAIN, age=ago(days=2))
    crashing = remade(rollout, crash_loop(started=ago(500), finished=ago(499)), minutes=9)
    scene = scene_of(rollout.deployment, rollout.after, broken, good, crashing, node())
    found = diagnose(scene, rollout.deployment.ref)
    assert (best(found).cause, best(found).remedies[0].parameters) == ("crash_after_change", {"revision": 5})


def alias(leads: str, applied: str) -> KubeObject:
    spec: Parts = {"type": "ExternalName", "externalName": applied}
    noted = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"spec": spec})}
    return other("v1", "Service", "stock", {**spec, "externalName": leads}, annotations=noted)


def looked_up(*items: KubeObject) -> Diagnosis:
    rollout = Rollout(CALLING, CALLING, minutes_ago=9000)
    pods = rollout.pods(crash_loop())
    line = 'level=fatal msg="not reached" err="dial tcp: lookup stock on 10.96.0.10:53: no such host"'
    return rollout.diagnose(pods, *items, logs={pods[0]: line})


def test_an_alias_that_leads_to_no_service_gets_the_name_back_that_was_applied() -> None:
    there = service("store", {"app": "store"})
    found = looked_up(alias("stone.shop.svc.cluster.local", "store.shop.svc.cluster.local"), there)
    top = best(found)
    assert (top.cause, top.target.name, top.verdict) == ("service_missing", "stock", Verdict.ACT)
    assert top.remedies[0].parameters == {"part": "external_name"}


def test_an_alias_whose_former_name_leads_nowhere_either_is_for_people() -> None:
    top = best(looked_up(alias("stone.shop.svc.cluster.local", "store.shop.svc.cluster.local")))
    assert (top.cause, top.verdict) == ("service_missing", Verdict.ESCALATE)


def test_an_alias_of_a_service_that_is_there_is_a_matter_of_the_name_server() -> None:
    there = service("store", {"app": "store"})
    found = looked_up(alias("store.shop.svc.cluster.local", "store.shop.svc.cluster.local"), there)
    assert best(found).cause == "dns_fails"


def test_a_caller_suffers_from_what_was_scaled_to_zero_in_another_namespace() -> None:
    address: Part = [{"name": "STORE_ADDR", "value": "http://stock.far.svc.cluster.local:80"}]
    rollout = Rollout(template(container(env=address)), template(container(env=address)), minutes_ago=9000)
    far: Parts = {"namespace": "far"}
    labels: Parts = {"app": "stock"}
    spec: Parts = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template(labels={"app": "stock"})}
    stock = other("apps/v1", "Deployment", "stock", spec, **far)
    front = service("stock", {"app": "stock"}, **far)
    down = event(stock, "ScalingReplicaSet", "Scaled down replica set stock-1 from 3 to 0", type="Normal")
    scene = scene_of(*rollout.parts, node(), rollout.pods(crash_loop()))
    kinds = ("Service", "Deployment", "Pod", "EndpointSlice", "Event", "ReplicaSet", "HorizontalPodAutoscaler")
    scene.add([stock, front, down], whole=[(kind, "far") for kind in kinds])
    top = best(diagnose(scene, rollout.deployment.ref))
    assert (top.cause, top.target) == ("scaled_to_zero", stock.ref)


@pytest.mark.parametrize(("selector", "expected"), [({"edge": "yes"}, "unschedulable_node_selector"), ({}, "healthy")])
def test_a_daemon_set_that_fits_on_no_node_any_more_is_not_healthy(selector: Parts, expected: str) -> None:
    old, new = template(labels={"app": "log"}), template(labels={"app": "log"}, nodeSelector=selector)
    daemon = workload("DaemonSet", "log", new, replicas=0)
    revisions = [controller_revision(daemon, 1, old), controller_revision(daemon, 2, new, age=ago(minutes=9))]
    assert causes(diagnose(scene_of(daemon, *revisions, node()), daemon.ref))[0] == expected


def test_a_policy_on_what_is_called_that_lets_the_caller_not_in_explains_its_timeouts() -> None:
    rollout = Rollout(CALLING, CALLING, minutes_ago=9000)
    pods = rollout.pods(crash_loop())
    stock = workload("StatefulSet", "stock", template(labels={"app": "stock"}), replicas=1)
    front = service("stock", {"app": "stock"})
    served = [endpoint_slice(front, ready=1), pod("stock-0", [running()], of=stock, labels={"app": "stock"})]
    line = 'level=fatal msg="not reached" err="dial tcp 10.96.0.20:80: i/o timeout"'

    def told(peer: Parts) -> list[str]:
        rules: Parts = {"policyTypes": ["Ingress"], "ingress": [{"from": [peer]}]}
        spec: Parts = {"podSelector": {"matchLabels": {"app": "stock"}}, **rules}
        policy = other("networking.k8s.io/v1", "NetworkPolicy", "tighten", spec, creationTimestamp=ago(minutes=9))
        home = other("v1", "Namespace", "shop", {}, namespace=None)
        return causes(rollout.diagnose(pods, stock, front, served, policy, home, logs={pods[0]: line}, also=MORE))

    assert told({"podSelector": {"matchLabels": {"access": "yes"}}}) == ["network_policy_blocks"]
    assert "network_policy_blocks" not in told({"podSelector": {"matchLabels": {"app": "checkout"}}})
    assert "network_policy_blocks" not in told({"ipBlock": {"cidr": "10.0.0.0/8"}})


def test_a_rollout_that_was_paused_in_its_middle_is_not_meant_to_stay_so() -> None:
    rollout = Rollout(PLAIN, template(container(args=["v2"])), replicas=2, old_available=2, new_available=2)
    paused = other(
        "apps/v1", "Deployment", "checkout", {**rollout.deployment.tree("spec").raw, "paused": True},
        managedFields=[managed("kubectl-rollout", ago(minutes=12), "spec", "paused")],
    )  # fmt: skip
    pods = [pod(f"{part.name}-{n}", [running()], of=part) for part in (rollout.before, rollout.after) for n in "ab"]
    top = best(diagnose(scene_of(paused, rollout.before, rollout.after, pods, node()), paused.ref))
    assert (top.cause, top.remedies[0].action) == ("rollout_paused", "resume_rollout")


def test_a_job_that_gave_up_for_want_of_memory_says_so() -> None:
    limited = template(container(resources={"limits": {"memory": "32Mi"}}))
    failed: Parts = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "limit"}
    job = workload("Job", "nightly", limited, status={"conditions": [failed]})
    ending: Parts = {"exitCode": 137, "reason": "OOMKilled", "startedAt": ago(70), "finishedAt": ago(60)}
    status: Parts = {
        "name": "app", "ready": False, "restartCount": 0, "state": {"terminated": ending}, "lastState": {},
    }  # fmt: skip
    found = diagnose(scene_of(job, pod("nightly-x1", [status], of=job, phase="Failed"), node()), job.ref)
    assert causes(found) == ["memory_limit_too_low"]
    assert best(found).verdict is Verdict.ESCALATE


@pytest.mark.parametrize(
    ("minutes", "answer", "expected"),
    [
        (7, "HTTP probe failed with statuscode: 503", "rollout_stuck"),
        (3, "HTTP probe failed with statuscode: 503", "rollout_in_progress"),
        (7, 'Get "http://10.1.0.9:8080/readyz": dial tcp 10.1.0.9:8080: connect: connection refused', "unknown"),
    ],
)
def test_a_rollout_that_left_nothing_that_serves_is_not_waited_for_to_its_deadline(
    minutes: int, answer: str, expected: str
) -> None:
    progressing: Parts = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}
    moved: Parts = {**progressing, "lastUpdateTime": ago(minutes=minutes)}
    probe: Parts = {"httpGet": {"path": "/readyz", "port": 8080}}
    old, new = (template(container(args=[version], readinessProbe=probe)) for version in ("v1", "v2"))
    rollout = Rollout(old, new, minutes_ago=minutes, conditions=[moved])
    pods = rollout.pods(running(ready=False, since=ago(minutes=minutes)))
    told = event(pods[0], "Unhealthy", f"Readiness probe failed: {answer}", count=9, at=ago(5))
    assert causes(rollout.diagnose(pods, told))[0] == expected


def test_a_single_replica_set_without_pods_was_scaled_down_by_somebody() -> None:
    alone = other("apps/v1", "ReplicaSet", "legacy", {"replicas": 0, "template": PLAIN})
    removed = [
        event(alone, "SuccessfulDelete", f"Deleted pod: legacy-{name}", type="Normal", at=ago(minutes=9))
        for name in ("a", "b")
    ]
    top = best(diagnose(scene_of(alone, removed), alone.ref))
    assert (top.cause, top.verdict) == ("scaled_to_zero", Verdict.ESCALATE)
    assert "It had 2 before" in top.summary


def test_a_service_whose_pods_are_ready_in_part_is_not_healthy() -> None:
    bad = template(container(ports=[{"containerPort": 8080}], readinessProbe={"httpGet": {"path": "/", "port": 9}}))
    rollout = Rollout(PLAIN, bad, minutes_ago=20, old_available=2)
    pods = rollout.pods(running(ready=False, since=ago(minutes=20)), 1)
    words = 'Readiness probe failed: Get "http://10.1.0.9:9/": dial tcp 10.1.0.9:9: connect: connection refused'
    refused = event(pods[0], "Unhealthy", words, count=9)
    front = service("checkout", {"app": "checkout"})
    well = [pod(f"{rollout.before.name}-{name}", [running()], of=rollout.before) for name in "ab"]
    scene = scene_of(*rollout.parts, pods, well, refused, front, endpoint_slice(front, ready=2, not_ready=1), node())
    assert best(diagnose(scene, front.ref)).cause == "readiness_probe_wrong"


def test_a_set_whose_pods_leave_within_their_grace_is_on_its_way() -> None:
    store = workload("StatefulSet", "store", PLAIN, replicas=1)
    leaving = pod("store-0", [running()], of=store, deletionTimestamp=ago(-10))
    assert best(diagnose(scene_of(store, leaving, node()), store.ref)).cause == "rollout_in_progress"


def test_a_cron_job_that_is_suspended_with_a_word_is_left_alone() -> None:
    spec: Parts = {"suspend": True, "schedule": "7 * * * *"}
    meant = other("batch/v1", "CronJob", "nightly", spec, annotations={"kubernaut.ai/intended": "season is over"})
    found = [causes(diagnose(scene_of(item, also=frozenset({"CronJob"})), item.ref)) for item in (
        other("batch/v1", "CronJob", "nightly", spec), meant,
    )]  # fmt: skip
    assert found == [["cronjob_suspended"], []]


def test_a_port_that_another_release_named_anew_is_told_by_what_is_left() -> None:
    ports: list[Part] = [{"name": "http", "containerPort": 8080}, {"name": "rpc", "containerPort": 9443}]
    wanted = [
        {"name": "http", "port": 80, "targetPort": "http"}, {"name": "grpc", "port": 90, "targetPort": "grpc"},
    ]  # fmt: skip
    front = service("checkout", {"app": "checkout"}, *wanted)
    one = pod("one", [running()], spec={"containers": [container(ports=ports)]})
    top = best(diagnose(scene_of(front, one, endpoint_slice(front, ready=1), node()), front.ref))
    assert (top.cause, top.remedies[0].parameters) == ("service_port_wrong", {"port": "grpc", "target_port": "rpc"})


def test_an_update_whose_new_pod_shares_no_node_goes_back_to_what_serves_with_approval() -> None:
    words = "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. preemption: 0/3 nodes"
    rollout = Rollout(PLAIN, template(container(image="registry.example/shop:2")), minutes_ago=12, old_available=3)
    state: Parts = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": words}
    waits = pod(f"{rollout.after.name}-z", of=rollout.after, node=None, conditions=[state], age=ago(minutes=12))
    top = best(rollout.diagnose(waits))
    assert (top.cause, top.verdict) == ("unschedulable_pod_affinity", Verdict.APPROVE)
    assert (top.remedies[0].action, top.remedies[0].parameters) == ("rollback_deployment", {"revision": 6})
