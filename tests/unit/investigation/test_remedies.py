"""What is proposed against a cause, and that its parameters come from what was read."""

from __future__ import annotations

import json

import pytest

from kubernaut.domain.diagnosis import Hypothesis, Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.diagnosing import diagnose
from tests.objects import (
    LAST_APPLIED,
    Part,
    Parts,
    ago,
    configuration,
    container,
    crash_loop,
    deployment,
    endpoint_slice,
    managed,
    metadata,
    node,
    pod,
    replica_set,
    running,
    service,
    template,
    unschedulable,
    waiting,
    workload,
)
from tests.unit.investigation.scenes import Rollout, best, scene_of

PLAIN = template(container())


def made(api: str, kind: str, name: str, place: str = "shop", **parts: Part) -> KubeObject:
    return KubeObject({"apiVersion": api, "kind": kind, "metadata": metadata(kind, name, place), **parts})


def proposed(top: Hypothesis) -> tuple[str, dict[str, object]]:
    return top.remedies[0].action, dict(top.remedies[0].parameters)


# A rollout that was left paused


def paused(new: Parts, **meta: Part) -> Hypothesis:
    mark = managed("kubectl-edit", ago(minutes=20), "spec", "paused")
    item = deployment("checkout", new, spec={"paused": True}, managedFields=[mark], **meta)
    made_before = replica_set(item, 4, PLAIN, desired=3, available=3)
    pods = [pod(f"{made_before.name}-{end}", [running()], of=made_before) for end in ("a2b4c", "d5f6g", "h7j8k")]
    return best(diagnose(scene_of(item, made_before, pods, node()), item.ref))


def test_a_rollout_left_paused_with_a_change_that_waits_is_proposed_to_go_on() -> None:
    top = paused(template(container(image="registry.example/shop:1.9.0")))
    assert (top.cause, top.verdict, *proposed(top)) == ("rollout_paused", Verdict.APPROVE, "resume_rollout", {})


@pytest.mark.parametrize(
    ("new", "meta"),
    [
        (template(container(image="shop:2")), {"annotations": {"kubernaut.ai/intended": "canary"}}),
        (template(container(image="shop:2")), {"labels": {"paused-by": "release-team"}}),
        (PLAIN, {}),
    ],
    ids=["intended", "paused-by", "nothing-waits"],
)
def test_a_pause_that_is_meant_or_keeps_nothing_up_is_left_alone(new: Parts, meta: Parts) -> None:
    top = paused(new, **meta)
    assert (top.cause, top.verdict) == ("intended_state", Verdict.DECLINE)


# One field beside the whole template


def test_the_image_alone_is_a_second_choice_where_other_changes_came_with_it() -> None:
    old = template(container(image="registry.example/shop:1.8.2", args=["serve"]))
    new = template(container(image="registry.example/shop:1.8.99", args=["serve", "--verbose"]))
    rollout = Rollout(old, new, old_available=3)
    lost = waiting("ImagePullBackOff", 'Back-off pulling image "registry.example/shop:1.8.99": not found')
    top = best(rollout.diagnose(rollout.pods(lost)))
    assert [call.action for call in top.remedies] == ["rollback_deployment", "restore_image"]
    assert top.remedies[1].parameters == {"container": "app", "revision": 6}


def test_where_the_image_was_the_only_change_it_is_not_offered_alone() -> None:
    rollout = Rollout(PLAIN, template(container(image="registry.example/shop:1.8.99")), old_available=3)
    lost = waiting("ImagePullBackOff", 'Back-off pulling image "registry.example/shop:1.8.99": not found')
    assert [call.action for call in best(rollout.diagnose(rollout.pods(lost))).remedies] == ["rollback_deployment"]


# Keys that were taken out of a ConfigMap


@pytest.mark.parametrize(
    ("applied", "verdict", "action"),
    [
        ({"MODE": "fast", "LEVEL": "2"}, Verdict.ACT, "restore_configmap"),
        ({"MODE": "fast"}, Verdict.ESCALATE, "escalate"),
    ],
    ids=["recorded", "never-applied"],
)
def test_a_key_comes_back_only_from_what_was_applied(applied: Parts, verdict: Verdict, action: str) -> None:
    wanted = {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "LEVEL"}}}
    rollout = Rollout(template(container(env=[wanted])), template(container(env=[wanted])), minutes_ago=900)
    mark = {LAST_APPLIED: json.dumps({"kind": "ConfigMap", "data": applied})}
    edited = configuration("ConfigMap", "settings", ["MODE"], annotations=mark)
    words = "couldn't find key LEVEL in ConfigMap shop/settings"
    pods = rollout.pods(waiting("CreateContainerConfigError", words), phase="Pending")
    top = best(rollout.diagnose(pods, edited))
    assert (top.cause, top.verdict, top.remedies[0].action) == ("missing_config_key", verdict, action)


# Rights


RBAC = "rbac.authorization.k8s.io/v1"
REFUSED = (
    'pods is forbidden: User "system:serviceaccount:shop:clerk" cannot list resource "pods" in API group "" in the '
    'namespace "shop"'
)


def role(name: str, *verbs: str) -> KubeObject:
    rule: Part = {"apiGroups": [""], "resources": ["pods"], "verbs": [*verbs]}
    return made(RBAC, "Role", name, rules=[rule])


def binding(name: str, to: str) -> KubeObject:
    return made(RBAC, "RoleBinding", name, roleRef={"kind": "Role", "name": to}, subjects=[])


@pytest.mark.parametrize(
    ("around", "action"),
    [
        ([role("reader", "get", "list")], "restore_role_binding"),
        ([role("reader", "get", "list"), binding("readers", "reader")], "escalate"),
        ([role("reader", "get")], "escalate"),
        ([role("reader", "*")], "escalate"),
        ([role("reader", "list"), role("lister", "list")], "escalate"),
    ],
    ids=["loose", "bound-to-others", "without-the-verb", "too-wide", "two-of-them"],
)
def test_an_account_is_bound_again_only_to_the_one_loose_role_that_gives_what_it_lacks(
    around: list[KubeObject], action: str
) -> None:
    mine = template(container(), serviceAccountName="clerk")
    rollout = Rollout(mine, mine, minutes_ago=9000)
    pods = rollout.pods(crash_loop())
    top = best(rollout.diagnose(pods, around, logs={pods[0]: f"E0302 failed to list: {REFUSED}"}))
    assert (top.cause, top.remedies[0].action) == ("api_forbidden", action)
    if action != "escalate":
        assert proposed(top)[1] == {"role": "reader", "binding": "reader"}
        assert top.verdict is Verdict.APPROVE


# Names


def test_a_corefile_that_differs_from_the_applied_one_is_proposed_to_go_back() -> None:
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=9000)
    pods = rollout.pods(crash_loop())
    ledger = service("ledger", {"app": "ledger"})
    mark: Parts = {LAST_APPLIED: json.dumps({"data": {"Corefile": ".:53 { kubernetes }"}})}
    made_wrong = {"metadata": metadata("ConfigMap", "coredns", "kube-system", annotations=mark)}
    names = KubeObject({"apiVersion": "v1", "kind": "ConfigMap", **made_wrong, "data": {"Corefile": "template"}})
    words = "FATAL: dial tcp: lookup ledger on 10.96.0.10:53: no such host"
    top = best(rollout.diagnose(pods, ledger, endpoint_slice(ledger, ready=1), names, logs={pods[0]: words}))
    assert (top.cause, top.verdict, *proposed(top)) == (
        "dns_fails", Verdict.APPROVE, "restore_configmap", {"key": "Corefile"},
    )  # fmt: skip


# Room


def grown(path: str, *, may_grow: bool) -> Hypothesis:
    mounts = container(volumeMounts=[{"name": "records", "mountPath": "/var/lib/records"}])
    volume: Part = {"name": "records", "persistentVolumeClaim": {"claimName": "records"}}
    mine = template(mounts, volumes=[volume])
    rollout = Rollout(mine, mine, minutes_ago=9000)
    pods = rollout.pods(crash_loop())
    claim = made("v1", "PersistentVolumeClaim", "records", spec={"storageClassName": "fast"}, status={"phase": "Bound"})
    kind = made("storage.k8s.io/v1", "StorageClass", "fast", "", allowVolumeExpansion=may_grow)
    return best(rollout.diagnose(pods, claim, kind, logs={pods[0]: f"write {path}: no space left on device"}))


def test_a_claim_is_proposed_to_grow_where_the_full_path_lies_on_it_and_its_class_allows_it() -> None:
    top = grown("/var/lib/records/0042.log", may_grow=True)
    assert (top.cause, top.verdict, *proposed(top)) == ("disk_full", Verdict.APPROVE, "expand_pvc", {"factor": 1.5})
    assert top.remedies[0].target.name == "records"


@pytest.mark.parametrize(("path", "may_grow"), [("/tmp/spool", True), ("/var/lib/records/1", False)])
def test_another_path_or_a_class_that_does_not_grow_is_for_people(path: str, may_grow: bool) -> None:  # noqa: FBT001
    assert grown(path, may_grow=may_grow).remedies[0].action == "escalate"


# Encryption


def test_the_servers_change_is_blamed_where_its_client_did_not_change() -> None:
    calls = template(container(env=[{"name": "STORE_ADDR", "value": "http://store:80"}]))
    rollout = Rollout(calls, calls, minutes_ago=9000)
    pods = rollout.pods(crash_loop())
    plain = template(container(args=["serve"]), labels={"app": "store"})
    secure = template(container(args=["serve", "--require-tls"]), labels={"app": "store"})
    store = deployment("store", secure, replicas=1)
    sets = [
        replica_set(store, 1, plain, desired=0),
        replica_set(store, 2, secure, desired=1, available=1, age=ago(minutes=14)),
    ]
    up = pod("store-1", [running()], of=sets[1], labels={"app": "store"})
    front = service("store", {"app": "store"})
    words = "MongoServerSelectionError: The server is configured to only allow SSL connections: requireTLS"
    found = rollout.diagnose(pods, store, sets, up, front, endpoint_slice(front, ready=1), logs={pods[0]: words})
    top = best(found)
    assert (top.cause, top.target, top.verdict) == ("tls_mismatch", store.ref, Verdict.APPROVE)
    assert proposed(top) == ("rollback_deployment", {"revision": 1})


# More replicas than places


def crowded(scaled: str) -> Hypothesis:
    rule: Part = {"labelSelector": {}, "topologyKey": "kubernetes.io/hostname"}
    apart: Part = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}}
    wanted = template(container(), affinity=apart)
    mark = managed("kubectl", scaled, "spec", "replicas")
    rollout = Rollout(PLAIN, wanted, minutes_ago=30, new_available=2, meta={"managedFields": [mark]})
    words = "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules."
    pods = rollout.pods(running(), 2)
    late = rollout.pods(None, 3, conditions=unschedulable(words), phase="Pending")[2:]
    return best(rollout.diagnose(pods, late))


def test_replicas_beyond_the_places_are_taken_back_where_they_came_after_the_rule() -> None:
    top = crowded(ago(minutes=10))
    assert (top.cause, top.verdict, *proposed(top)) == (
        "unschedulable_pod_affinity", Verdict.ACT, "scale_workload", {"replicas": 2},
    )  # fmt: skip


def test_a_rule_that_came_after_the_replicas_is_rolled_back() -> None:
    assert crowded(ago(minutes=90)).remedies[0].action == "rollback_deployment"


# A flag that was turned, and a proxy that stopped


def asks_for_flags(log: str, *, now: str = "on", applied: str = "off") -> Hypothesis:
    flags = {state: json.dumps({"flags": {"slow": {"defaultVariant": state}}}) for state in (now, applied)}
    mark = {LAST_APPLIED: json.dumps({"kind": "ConfigMap", "data": {"flags.json": flags[applied]}})}
    edited = managed("kubectl-edit", ago(minutes=20), "data")
    item = configuration("ConfigMap", "switches", [], annotations=mark, managedFields=[edited])
    switches = KubeObject({**item.raw, "data": {"flags.json": flags[now]}})
    volume: Part = {"name": "switches", "configMap": {"name": "switches"}}
    mine = template(container(env=[{"name": "FLAGD_HOST", "value": "localhost"}]), volumes=[volume])
    rollout = Rollout(mine, mine, minutes_ago=9000, new_available=3)
    pods = rollout.pods(running())
    return best(rollout.diagnose(pods, switches, logs={pods[0]: log} if log else {}))


def test_a_flag_that_was_turned_by_hand_is_asked_back_where_its_readers_complain() -> None:
    top = asks_for_flags('level=error msg="request failed" err="lookup: deadline exceeded"')
    assert (top.cause, top.verdict) == ("flag_turned", Verdict.APPROVE)
    assert proposed(top) == ("restore_configmap", {"key": "flags.json"})


@pytest.mark.parametrize(
    ("log", "now"), [("", "on"), ("level=error msg=failed", "off")], ids=["nobody-complains", "as-it-was-applied"]
)
def test_a_flag_is_left_alone_where_nobody_complains_or_it_is_as_it_was_applied(log: str, now: str) -> None:
    assert asks_for_flags(log, now=now).cause == "healthy"


def test_the_one_proxy_that_is_not_ready_on_a_node_that_is_may_be_restarted() -> None:
    place = {"namespace": "kube-system"}
    item = workload("DaemonSet", "kube-proxy", PLAIN, replicas=2, **place)
    pods = [
        pod(name, [status], of=item, node=on, labels={}, **place)
        for name, status, on in (
            ("kube-proxy-a", running(), "worker-1"), ("kube-proxy-b", crash_loop(), "worker-2"),
        )
    ]  # fmt: skip
    scene = scene_of(item, pods, node("worker-1"), node("worker-2"))
    top = best(diagnose(scene, item.ref))
    assert (top.cause, top.target, top.remedies[0].target) == ("node_proxy_down", item.ref, pods[1].ref)
