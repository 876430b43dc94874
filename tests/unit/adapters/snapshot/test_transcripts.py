# ruff: noqa: E501  # tables are as wide as kubectl prints them

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kubernaut.adapters.snapshot.opening import read_snapshot
from kubernaut.adapters.snapshot.reader import SnapshotClock, SnapshotReader
from kubernaut.investigation.diagnosing import survey
from kubernaut.investigation.gathering import BUDGET
from kubernaut.investigation.inquiry import first_survey, inquire
from tests.unit.adapters.snapshot.saved import found, pasted

RECORDED = Path(__file__).parents[3] / "data" / "transcripts"
PODS = """NAME                       READY   STATUS             RESTARTS        AGE
web-5bf569b75b-6hkjn       0/1     CrashLoopBackOff   12 (2m30s ago)  45m
web-5bf569b75b-djjt6       1/1     Running            0               3d4h
"""


@pytest.mark.parametrize(
    "prompt",
    ["$ ", "# ", "user@host:~$ ", "[root@master ~]# ", "➜  ~ ", "(prod) me@bastion ~/work % ", "", "$ sudo ", "PS> "],
)
def test_a_command_is_known_behind_any_prompt(tmp_path: Path, prompt: str) -> None:
    snapshot = pasted(tmp_path, f"Hello, see below.\n{prompt}kubectl get pods -n shop\n{PODS}")
    assert found(snapshot, "Pod", "shop", "web-5bf569b75b-6hkjn")


@pytest.mark.parametrize(
    ("command", "namespace"),
    [
        ("kubectl get pods -n shop", "shop"),
        ("kubectl -nshop get po", "shop"),
        ("kubectl --context prod get pods --namespace=shop", "shop"),
        ("oc get pod -n 'shop'", "shop"),
        ("k get po -n \\\n  shop", "shop"),
        ("kubectl get pods", "default"),
    ],
)
def test_the_namespace_is_the_one_of_the_command(tmp_path: Path, command: str, namespace: str) -> None:
    snapshot = pasted(tmp_path, f"$ {command}\n{PODS}")
    assert {ref.namespace for ref in snapshot.objects} == {namespace}
    assert snapshot.covers("Pod", namespace)


def test_a_context_that_was_set_counts_from_then_on(tmp_path: Path) -> None:
    text = f"$ kubectl config set-context --current --namespace=pay\nContext modified.\n$ kubectl get pods\n{PODS}"
    assert found(pasted(tmp_path, text), "Pod", "pay", "web-5bf569b75b-6hkjn")


@pytest.mark.parametrize("narrowing", ["-l app=web", "--field-selector=status.phase=Running", "web-1", "| grep web"])
def test_a_command_that_does_not_show_all_proves_no_absence(tmp_path: Path, narrowing: str) -> None:
    assert not pasted(tmp_path, f"$ kubectl get pods -n shop {narrowing}\n{PODS}").covers("Pod", "shop")


def test_a_refused_command_proves_no_absence_and_an_empty_one_does(tmp_path: Path) -> None:
    text = (
        "$ kubectl get secrets -n shop\nError from server (Forbidden): secrets is forbidden\n"
        "$ kubectl get sts -n shop\nNo resources found in shop namespace.\n"
    )
    snapshot = pasted(tmp_path, text)
    assert not snapshot.covers("Secret", "shop")
    assert snapshot.covers("StatefulSet", "shop")


def test_what_a_table_does_not_tell_stays_absent(tmp_path: Path) -> None:
    pod = found(pasted(tmp_path, f"$ kubectl get pods -n shop\n{PODS}"), "Pod", "shop", "web-5bf569b75b-6hkjn")
    (status,) = pod.trees("status", "containerStatuses")
    assert (status.text("state", "waiting", "reason"), status.integer("restartCount")) == ("CrashLoopBackOff", 12)
    assert not status.has("lastState")
    assert not pod.has("status", "phase")
    assert not pod.has("spec", "nodeName")


def test_objects_whose_telling_part_is_not_shown_are_not_handed_out(tmp_path: Path) -> None:
    text = (
        "$ kubectl get cm,svc,rs -n shop\n"
        "NAME                 DATA   AGE\nconfigmap/settings   3      2d\n\n"
        "NAME          TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE\n"
        "service/web   ClusterIP   10.96.0.7    <none>        80/TCP    2d\n\n"
        "NAME                             DESIRED   CURRENT   READY   AGE\nreplicaset.apps/web-5bf569b75b   2         2         1       2d\n"
    )
    snapshot = pasted(tmp_path, text)
    assert snapshot.objects == {}
    assert not snapshot.whole


def test_a_later_description_completes_an_earlier_table(tmp_path: Path) -> None:
    text = (
        f"$ kubectl get pods -n shop\n{PODS}"
        "$ kubectl -n shop describe pod web-5bf569b75b-6hkjn\n"
        "Name:             web-5bf569b75b-6hkjn\nNamespace:        shop\nNode:             n1/10.0.0.1\n"
        "Labels:           app=web\n                  pod-template-hash=5bf569b75b\nStatus:           Running\n"
        "Controlled By:  ReplicaSet/web-5bf569b75b\nContainers:\n  app:\n    Image:         acme/web:1\n"
        "    State:          Waiting\n      Reason:       CrashLoopBackOff\n    Last State:     Terminated\n"
        "      Reason:       Error\n      Exit Code:    3\n    Ready:          False\n    Restart Count:  12\n"
        "    Limits:\n      memory:  96Mi\n    Environment:\n"
        "      MODE:  fast\n      KEY:   <set to the key 'k' in secret 's'>  Optional: true\n"
    )
    pod = found(pasted(tmp_path, text), "Pod", "shop", "web-5bf569b75b-6hkjn")
    (container,) = pod.trees("spec", "containers")
    (status,) = pod.trees("status", "containerStatuses")
    assert (container.text("name"), status.text("name")) == ("app", "app")
    assert status.integer("lastState", "terminated", "exitCode") == 3
    assert [entry.text("name") for entry in container.trees("env")] == ["MODE", "KEY"]
    assert container.trees("env")[1].flag("valueFrom", "secretKeyRef", "optional")
    assert pod.text("metadata", "creationTimestamp")


def test_pods_belong_to_the_workload_that_their_names_tell(tmp_path: Path) -> None:
    text = (
        f"$ kubectl get pods -n shop\n{PODS}"
        "$ kubectl get deploy -n shop\nNAME   READY   UP-TO-DATE   AVAILABLE   AGE\nweb    1/2     2            1           3d\n"
    )
    pod = found(pasted(tmp_path, text), "Pod", "shop", "web-5bf569b75b-6hkjn")
    assert pod.controller is not None
    assert (pod.controller.kind, pod.controller.name) == ("ReplicaSet", "web-5bf569b75b")
    assert pod.labels["pod-template-hash"] == "5bf569b75b"


def test_one_event_that_three_commands_show_is_one(tmp_path: Path) -> None:
    text = (
        "$ kubectl get events -n shop\n"
        "LAST SEEN   TYPE      REASON    OBJECT      MESSAGE\n4m          Warning   BackOff   pod/web-1   Back-off restarting\n"
        "$ kubectl events -n shop\n"
        "LAST SEEN              TYPE      REASON    OBJECT      MESSAGE\n"
        "4m19s (x7 over 10m)    Warning   BackOff   Pod/web-1   Back-off restarting\n"
        "$ kubectl get events -n shop -o wide\n"
        "LAST SEEN   TYPE      REASON    OBJECT      SUBOBJECT                SOURCE    MESSAGE               FIRST SEEN   COUNT   NAME\n"
        "4m          Warning   BackOff   pod/web-1   spec.containers{app}     kubelet   Back-off restarting   10m          7       web-1.17\n"
    )
    snapshot = pasted(tmp_path, text)
    (event,) = snapshot.events
    assert event.integer("count") == 7
    assert event.time("lastTimestamp") == snapshot.now.replace(microsecond=0) - timedelta(minutes=4, seconds=19)
    assert event.text("involvedObject", "kind") == "Pod"


def test_ages_count_back_from_the_moment_of_the_transcript(tmp_path: Path) -> None:
    text = (
        "$ kubectl describe deploy web -n shop\nName:                   web\nNamespace:              shop\n"
        "CreationTimestamp:      Tue, 03 Jun 2025 09:00:00 +0200\nSelector:               app=web\n"
        "$ kubectl get deploy,pods -n shop\n"
        "NAME                  READY   UP-TO-DATE   AVAILABLE   AGE\ndeployment.apps/web   0/1     1            0           3h20m\n\n"
        "NAME                       READY   STATUS    RESTARTS   AGE\npod/web-5bf569b75b-6hkjn   0/1     Pending   0          5m12s\n"
    )
    snapshot = pasted(tmp_path, text)
    assert snapshot.now == datetime(2025, 6, 3, 10, 20, tzinfo=UTC)
    pod = found(snapshot, "Pod", "shop", "web-5bf569b75b-6hkjn")
    assert pod.created_at == datetime(2025, 6, 3, 10, 14, 48, tzinfo=UTC)


async def test_logs_are_those_of_the_container_that_the_command_names(tmp_path: Path) -> None:
    text = (
        "$ kubectl logs -n shop web-1 -c app -p\npanic: out of reach\n"
        '$ kubectl -n shop logs pod/web-1\nDefaulted container "app" out of: app, proxy\nstarting\n'
        '$ kubectl -n shop logs web-2 -p\nError from server (BadRequest): previous terminated container "app" not found\n'
        "$ kubectl -n shop logs deploy/web\nFound 2 pods, using pod/web-3\nhello\n"
    )
    assert pasted(tmp_path, text).logs == {
        ("shop", "web-1", "app", True): "panic: out of reach\n",
        ("shop", "web-1", "app", False): "starting\n",
        ("shop", "web-3", "", False): "hello\n",
    }


def test_printed_objects_are_taken_whole(tmp_path: Path) -> None:
    text = (
        "$ kubectl -n shop get pod web-1 -o yaml\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web-1\n"
        "  namespace: shop\nspec:\n  containers:\n  - name: app\n    image: acme/web:1\n"
        "$ kubectl get nodes -o json\n"
        '{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}]}\n'
    )
    snapshot = pasted(tmp_path, text)
    assert found(snapshot, "Pod", "shop", "web-1").trees("spec", "containers")[0].text("image") == "acme/web:1"
    assert found(snapshot, "Node", "", "n1")
    assert snapshot.covers("Node", "")


def test_a_table_whose_columns_were_lost_in_the_paste_is_still_read(tmp_path: Path) -> None:
    squeezed = "\n".join(" ".join(line.replace(" (2m30s ago)", "").split()) for line in PODS.splitlines())
    snapshot = pasted(tmp_path, f"$ kubectl get pods -n shop\n{squeezed}\n")
    (status,) = found(snapshot, "Pod", "shop", "web-5bf569b75b-6hkjn").trees("status", "containerStatuses")
    assert status.integer("restartCount") == 12


def test_the_end_of_a_description_tells_its_events(tmp_path: Path) -> None:
    text = (
        "$ kubectl describe po web-1 -n shop | tail -4\nEvents:\n  Type     Reason   Age   From     Message\n"
        "  ----     ------   ----  ----     -------\n  Warning  Failed   2m    kubelet  Error: ImagePullBackOff\n"
    )
    (event,) = pasted(tmp_path, text).events
    assert (event.text("involvedObject", "name"), event.text("reason")) == ("web-1", "Failed")


@pytest.mark.parametrize(
    ("recorded", "cause", "target"),
    [
        ("crash-loop", "memory_limit_too_low", "payments/deployment/api"),
        ("image-pull", "image_not_found", "web/deployment/frontend"),
        ("pending", "insufficient_resources", "ml/statefulset/batch"),
        ("settings", "missing_config_key", "search/deployment/indexer"),
        ("missing-pods", "quota_exceeded", "billing/deployment/invoices"),
    ],
)
async def test_recorded_tickets_have_their_cause(recorded: str, cause: str, target: str) -> None:
    snapshot = read_snapshot(RECORDED / f"{recorded}.txt")
    reader, clock = SnapshotReader(snapshot), SnapshotClock(snapshot.now)
    first = first_survey(snapshot.namespaces or ("",))
    _, diagnoses = await inquire(reader, clock, first, survey, replace(BUDGET, calls=1000))
    assert [(one.best.cause, str(one.best.target)) for one in diagnoses if one.best] == [(cause, target)]
