# ruff: noqa: E501  # tables are as wide as kubectl prints them
"""Tickets that lost something on the way: the commands, the pods, the names of containers, the history."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubernaut.adapters.snapshot.contents import Snapshot
from kubernaut.domain.diagnosis import Hypothesis
from tests.unit.adapters.snapshot.saved import diagnosed, found, pasted

PODS = """NAME                   READY   STATUS             RESTARTS      AGE
web-5bf569b75b-6hkjn   0/1     CrashLoopBackOff   12 (2m ago)   45m
web-5bf569b75b-djjt6   1/1     Running            0             45m
"""
DESCRIBED = """Name:             web-5bf569b75b-6hkjn
Namespace:        shop
Node:             n1/10.0.0.1
Labels:           app=web
                  pod-template-hash=5bf569b75b
Status:           Running
Controlled By:  ReplicaSet/web-5bf569b75b
Containers:
  app:
    Image:         acme/web:1
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
    Ready:          False
    Restart Count:  12
    Limits:
      memory:  96Mi
"""
PULL = 'Failed to pull image "acme/web:9": rpc error: code = NotFound desc = failed to resolve reference "acme/web:9": acme/web:9: not found'
EVENTS = f"""LAST SEEN   TYPE      REASON    OBJECT                     MESSAGE
2m          Warning   Failed    pod/web-5bf569b75b-6hkjn   {PULL}
2m          Warning   Failed    pod/web-5bf569b75b-6hkjn   Error: ImagePullBackOff
"""
DEPLOYMENTS = "NAME   READY   UP-TO-DATE   AVAILABLE   AGE\nweb    1/2     2            1           45m\n"


def best(snapshot: Snapshot) -> Hypothesis:
    one = diagnosed(snapshot)[0].best
    assert one is not None
    return one


def said(snapshot: Snapshot) -> tuple[str, str, str, str]:
    told = best(snapshot)
    return str(told.cause), told.target.kind, told.target.namespace, told.target.name


@pytest.mark.parametrize(
    "line",
    [
        "Every 2.0s: kubectl get pods -n shop      bastion: Mon Mar  2 10:00:00 2026",
        "Command: kubectl get pods -n shop",
        "Output of kubectl get pods -n shop:",
        "I ran kubectl get pods -n shop and got:",
        "**kubectl get pods -n shop**",
        "<details><summary>kubectl get pods -n shop</summary>",
        "% k get po -n shop",
        "# oc get pods -n shop",
        "sudo kubectl -n shop get po",
    ],
)
def test_a_command_is_known_in_the_words_around_it(tmp_path: Path, line: str) -> None:
    assert found(pasted(tmp_path, f"{line}\n{PODS}"), "Pod", "shop", "web-5bf569b75b-6hkjn")


@pytest.mark.parametrize("margin", ["", "    ", "> ", "\t"])
@pytest.mark.parametrize("fence", ["", "```\n"])
def test_a_table_without_its_command_is_known_by_its_columns(tmp_path: Path, margin: str, fence: str) -> None:
    table = "".join(f"{margin}{line}\n" for line in f"{PODS}\n{DEPLOYMENTS}".splitlines())
    snapshot = pasted(tmp_path, f"This is how it looks:\n\n{fence}{table}{fence}\nThanks!\n")
    assert found(snapshot, "Pod", "default", "web-5bf569b75b-6hkjn")
    assert found(snapshot, "Deployment", "default", "web").integer("status", "availableReplicas") == 1
    assert not snapshot.whole


def test_a_description_without_its_command_is_known_by_its_entries(tmp_path: Path) -> None:
    snapshot = pasted(tmp_path, f"The pod:\n\n{DESCRIBED}\nAny idea?\n")
    assert said(snapshot) == ("memory_limit_too_low", "Deployment", "shop", "web")


def test_objects_without_their_command_are_taken_beside_other_output(tmp_path: Path) -> None:
    text = f"{PODS}\nand its map:\n\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: default\ndata:\n  a: b\n"
    assert found(pasted(tmp_path, text), "ConfigMap", "default", "settings")


def test_the_table_of_another_kind_below_a_command_is_not_taken_for_what_was_asked(tmp_path: Path) -> None:
    snapshot = pasted(tmp_path, f"$ kubectl get pods -n shop\n{PODS}\nThe Deployment:\n\n{DEPLOYMENTS}")
    assert found(snapshot, "Deployment", "shop", "web").integer("spec", "replicas") == 2
    assert not [ref for ref in snapshot.objects if ref.kind == "Pod" and ref.name == "web"]


@pytest.mark.parametrize(
    "shown",
    [
        f"$ kubectl get events -n shop\n{EVENTS}",
        f"$ kubectl get ev -n shop --sort-by=.lastTimestamp\n{EVENTS}",
        "$ kubectl get events -A\nNAMESPACE   LAST SEEN   TYPE      REASON   OBJECT                     MESSAGE\n"
        f"shop        2m          Warning   Failed   pod/web-5bf569b75b-6hkjn   {PULL}\n",
        "$ kubectl get events -n shop -o wide\n"
        "LAST SEEN   TYPE      REASON   OBJECT                     SUBOBJECT              SOURCE        MESSAGE".ljust(230) + "   FIRST SEEN   COUNT   NAME\n"
        + f"2m          Warning   Failed   pod/web-5bf569b75b-6hkjn   spec.containers{{app}}   kubelet, n1   {PULL}".ljust(230)
        + "   12m          5       web-5bf569b75b-6hkjn.17a\n",
        "$ kubectl events -n shop\nLAST SEEN              TYPE      REASON   OBJECT                     MESSAGE\n"
        f"3m12s (x45 over 20m)   Warning   Failed   Pod/web-5bf569b75b-6hkjn   {PULL}\n",
        "$ kubectl get events -n shop -o custom-columns=LAST:.lastTimestamp,TYPE:.type,WHY:.reason,OBJ:.involvedObject.name,MSG:.message\n"
        "LAST                   TYPE      WHY      OBJ                    MSG\n"
        f"2026-03-02T10:00:00Z   Warning   Failed   web-5bf569b75b-6hkjn   {PULL}\n",
    ],
    ids=["get", "sorted", "everywhere", "wide", "events", "custom"],
)  # fmt: skip
def test_events_alone_give_the_pod_that_they_are_about_and_its_workload(tmp_path: Path, shown: str) -> None:
    assert said(pasted(tmp_path, shown)) == ("image_not_found", "Deployment", "shop", "web")


def test_a_pod_that_no_list_shows_any_more_is_not_made_up_from_its_events(tmp_path: Path) -> None:
    listed = "NAME                   READY   STATUS    RESTARTS   AGE\nweb-7c9f6d5b4f-2k4qz   1/1     Running   0          5m\n"
    snapshot = pasted(tmp_path, f"$ kubectl get pods -n shop\n{listed}$ kubectl get events -n shop\n{EVENTS}")
    assert not [ref for ref in snapshot.objects if ref.name == "web-5bf569b75b-6hkjn"]


def test_what_the_api_server_does_not_find_is_not_there(tmp_path: Path) -> None:
    waiting = DESCRIBED.replace("CrashLoopBackOff", "CreateContainerConfigError").replace("Running", "Pending")
    waiting = waiting.partition("    Last State:")[0] + (
        "    Ready:          False\n    Restart Count:  0\n    Environment:\n"
        "      PASSWORD:  <set to the key 'p' in secret 'db-login'>  Optional: false\n"
    )
    text = (
        f"$ kubectl describe pod web-5bf569b75b-6hkjn -n shop\n{waiting}"
        '$ kubectl get secret db-login -n shop\nError from server (NotFound): secrets "db-login" not found\n'
    )
    snapshot = pasted(tmp_path, text)
    assert snapshot.gone == {("Secret", "shop", "db-login")}
    assert not snapshot.covers("Secret", "shop")
    told = best(snapshot)
    assert (told.cause, told.target.name) == ("missing_secret", "web")
    assert "before" not in told.summary


def test_an_ingress_names_the_services_that_its_backends_lack(tmp_path: Path) -> None:
    text = (
        "$ kubectl describe ing web -n shop\nName:             web\nNamespace:        shop\nIngress Class:    nginx\n"
        "Rules:\n  Host              Path  Backends\n  ----              ----  --------\n  shop.example.com  \n"
        '                    /     front:http (<error: services "front" not found>)\n'
    )
    assert said(pasted(tmp_path, text)) == ("ingress_misrouted", "Ingress", "shop", "web")


@pytest.mark.parametrize(
    ("command", "printed", "container"),
    [
        ("logs deploy/web", "Found 2 pods, using pod/web-5bf569b75b-6hkjn\npanic: x\n", ""),
        ("logs deploy/web", "panic: x\n", ""),
        ("logs -l app=web", "panic: x\n", ""),
        ("logs web-5bf569b75b-6hkjn --all-containers", "panic: x\n", ""),
        ("logs web-5bf569b75b-6hkjn -c app", "panic: x\n", "app"),
        ("logs deploy/web --all-containers --prefix", "[pod/web-5bf569b75b-6hkjn/app] panic: x\n", "app"),
    ],
)
def test_a_log_is_that_of_the_pod_that_fails_among_those_asked(
    tmp_path: Path, command: str, printed: str, container: str
) -> None:
    snapshot = pasted(tmp_path, f"$ kubectl get pods -n shop\n{PODS}$ kubectl -n shop {command}\n{printed}")
    assert snapshot.logs == {("shop", "web-5bf569b75b-6hkjn", container, False): "panic: x\n"}
    statuses = found(snapshot, "Pod", "shop", "web-5bf569b75b-6hkjn").trees("status", "containerStatuses")
    assert [status.text("name") for status in statuses] == [container]


def test_a_rollout_tells_how_far_it_is_and_how_many_there_were(tmp_path: Path) -> None:
    text = (
        '$ kubectl -n shop rollout status deploy/web\nWaiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...\n'
        'error: deployment "web" exceeded its progress deadline\n'
        "$ kubectl -n shop rollout history deploy web\ndeployment.apps/web \nREVISION  CHANGE-CAUSE\n3         <none>\n4         <none>\n"
    )
    item = found(pasted(tmp_path, text), "Deployment", "shop", "web")
    late = item.condition("Progressing")
    assert (item.integer("spec", "replicas"), item.integer("status", "updatedReplicas")) == (3, 1)
    assert late is not None
    assert (late.text("reason"), item.annotations["deployment.kubernetes.io/revision"]) == (
        "ProgressDeadlineExceeded",
        "4",
    )


def test_pods_of_two_hashes_are_a_change_whose_content_is_not_shown(tmp_path: Path) -> None:
    table = (
        "NAME                   READY   STATUS             RESTARTS     AGE\n"
        "web-5bf569b75b-6hkjn   1/1     Running            0            3d\n"
        "web-7c9f6d5b4f-2k4qz   0/1     CrashLoopBackOff   6 (1m ago)   9m\n"
    )
    told = best(pasted(tmp_path, f"$ kubectl get pods -n shop\n{table}"))
    assert (told.cause, told.target.name, told.verdict) == ("crash_after_change", "web", "approve")
    assert [(each.action, dict(each.parameters)) for each in told.remedies] == [
        ("rollback_deployment", {"revision": 0})
    ]
    assert "not shown" in told.summary


def test_a_paused_rollout_is_known_by_its_condition(tmp_path: Path) -> None:
    text = (
        "$ kubectl describe deploy web -n shop\nName:                   web\nNamespace:              shop\n"
        "Annotations:            deployment.kubernetes.io/revision: 2\nSelector:               app=web\n"
        "Replicas:               3 desired | 0 updated | 3 total | 3 available | 0 unavailable\n"
        "Pod Template:\n  Labels:  app=web\n  Containers:\n   app:\n    Image:      acme/web:9\n"
        "Conditions:\n  Type           Status   Reason\n  ----           ------   ------\n  Progressing    Unknown  DeploymentPaused\n"
        "OldReplicaSets:  web-5bf569b75b (3/3 replicas created)\nNewReplicaSet:   <none>\n"
    )
    assert said(pasted(tmp_path, text)) == ("rollout_paused", "Deployment", "shop", "web")


def test_a_namespace_that_does_not_go_tells_why(tmp_path: Path) -> None:
    text = (
        "$ kubectl describe ns team\nName:         team\nLabels:       <none>\nAnnotations:  <none>\nStatus:       Terminating\n"
        "Conditions:\n  Type                            Status  LastTransitionTime               Reason                Message\n"
        "  ----                            ------  ------------------               ------                -------\n"
        "  NamespaceDeletionContentFailure True    Mon, 02 Mar 2026 10:00:00 +0000  ContentDeletionFailed  failed\n"
    )
    item = found(pasted(tmp_path, text), "Namespace", "", "team")
    assert item.text("metadata", "deletionTimestamp") == "2026-03-02T10:00:00Z"


def test_nothing_that_was_pasted_is_acted_on_at_once(tmp_path: Path) -> None:
    snapshot = pasted(
        tmp_path,
        f"$ kubectl get pods -n shop\n{PODS}$ kubectl get events -n shop\nNo resources found in shop namespace.\n",
    )
    assert {one.best.verdict for one in diagnosed(snapshot) if one.best} <= {"approve", "escalate", "decline"}


@pytest.mark.parametrize(
    "end", ["...\n", "web-5bf569b75b-", "web-5bf569b75b-x2k4q   0/1\n"], ids=["dots", "name", "row"]
)
def test_a_line_that_was_cut_off_is_no_pod_and_its_list_is_not_whole(tmp_path: Path, end: str) -> None:
    snapshot = pasted(tmp_path, f"$ kubectl get pods -n shop\n{PODS}{end}")
    assert {ref.name for ref in snapshot.objects if ref.kind == "Pod"} == {
        "web-5bf569b75b-6hkjn",
        "web-5bf569b75b-djjt6",
    }
    assert not snapshot.covers("Pod", "shop")


@pytest.mark.parametrize("gap", ["\t", " "])
def test_restarts_that_tell_their_time_are_read_where_columns_were_lost(tmp_path: Path, gap: str) -> None:
    lines = [re.sub(r" {2,}", gap, line) for line in PODS.splitlines()]
    snapshot = pasted(tmp_path, "$ kubectl get pods -n shop\n" + "\n".join(lines) + "\n")
    (status,) = found(snapshot, "Pod", "shop", "web-5bf569b75b-6hkjn").trees("status", "containerStatuses")
    assert status.integer("restartCount") == 12
