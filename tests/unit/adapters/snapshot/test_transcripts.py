# ruff: noqa: E501  # tables are as wide as kubectl prints them

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kubernaut.adapters.snapshot.opening import read_snapshot
from kubernaut.adapters.snapshot.reader import SnapshotClock, SnapshotReader
from kubernaut.investigation.diagnosing import survey
from kubernaut.investigation.gathering import BUDGET
from kubernaut.investigation.inquiry import first_survey, inquire
from tests.unit.adapters.snapshot.saved import diagnosed, found, pasted

RECORDED = Path(__file__).parents[3] / "data" / "transcripts"
PODS = """NAME                       READY   STATUS             RESTARTS        AGE
web-5bf569b75b-6hkjn       0/1     CrashLoopBackOff   12 (2m30s ago)  45m
web-5bf569b75b-djjt6       1/1     Running            0               3d4h
"""


@pytest.mark.parametrize(
    "prompt",
    [
        "$ ",
        "# ",
        "user@host:~$ ",
        "[root@master ~]# ",
        "➜  ~ ",
        "(prod) me@bastion ~/work % ",
        "",
        "$ sudo ",
        "PS> ",
        "+ ",
        "1. ",
        "$ KUBECONFIG=~/.kube/prod ",
        "$ watch -n 2 ",
        "root@cp:/# k3s ",
        "$ /usr/local/bin/",
        "    $ ",
    ],
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
    assert not status.has("lastState", "terminated", "exitCode")
    assert not pod.has("status", "phase")
    assert not pod.has("spec", "nodeName")


def test_objects_whose_telling_part_is_not_shown_are_not_handed_out(tmp_path: Path) -> None:
    text = (
        "$ kubectl get cm,netpol,rs -n shop\n"
        "NAME                 DATA   AGE\nconfigmap/settings   3      2d\n\n"
        "NAME                               POD-SELECTOR   AGE\nnetworkpolicy.networking.k8s.io/x   app=web        2d\n\n"
        "NAME                             DESIRED   CURRENT   READY   AGE\nreplicaset.apps/web-5bf569b75b   2         2         2       2d\n"
    )
    snapshot = pasted(tmp_path, text)
    assert {ref.kind for ref in snapshot.objects} <= {"ReplicaSet", "Deployment"}
    assert not snapshot.whole & {("ConfigMap", "shop"), ("NetworkPolicy", "shop")}


@pytest.mark.parametrize(
    "dressed",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
        lambda text: "\n".join(f"> {line}" for line in text.split("\n")).encode(),
        lambda text: "\n".join(f"    {line}" for line in text.split("\n")).encode(),
        lambda text: text.replace("kubectl", "\x1b[1;32mkubectl\x1b[0m").replace("0/1", "\x1b[31m0/1\x1b[39m").encode(),
        lambda text: text.replace(" ", "\u00a0").encode(),
        lambda text: text.replace(
            "$ kubectl get pods -n shop\n", "Output of `kubectl get pods -n shop`:\n```\n"
        ).encode(),
        lambda text: f"kind: incident\n{text}".encode(),
    ],
    ids=["windows", "powershell", "mail", "listing", "colours", "browser", "markdown", "headed"],
)
def test_a_dressed_ticket_is_read_like_a_plain_one(tmp_path: Path, dressed: Callable[[str], bytes]) -> None:
    path = tmp_path / "ticket.txt"
    path.write_bytes(dressed(f"$ kubectl get pods -n shop\n{PODS}"))
    pod = found(read_snapshot(path), "Pod", "shop", "web-5bf569b75b-6hkjn")
    (status,) = pod.trees("status", "containerStatuses")
    assert (status.text("state", "waiting", "reason"), status.integer("restartCount")) == ("CrashLoopBackOff", 12)


def test_a_pod_belongs_to_the_deployment_that_its_name_tells_also_where_only_pods_are_shown(tmp_path: Path) -> None:
    snapshot = pasted(tmp_path, f"$ kubectl get pods -n shop\n{PODS}db-0   1/1   Running   0   3d4h\n")
    assert found(snapshot, "Deployment", "shop", "web")
    assert found(snapshot, "StatefulSet", "shop", "db")


def test_objects_that_were_cut_off_are_taken_as_far_as_they_are_whole(tmp_path: Path) -> None:
    text = (
        "$ kubectl get cm -n shop -o yaml\napiVersion: v1\nitems:\n"
        "- apiVersion: v1\n  kind: ConfigMap\n  data: {a: b}\n  metadata: {name: one, namespace: shop}\n"
        "- apiVersion: v1\n  kind: ConfigMap\n  data: {a: 'b\n... (output cut)\n"
    )
    snapshot = pasted(tmp_path, text)
    assert found(snapshot, "ConfigMap", "shop", "one")
    assert not snapshot.covers("ConfigMap", "shop")


def test_the_only_other_replica_set_of_a_deployment_is_the_revision_before(tmp_path: Path) -> None:
    text = (
        "$ kubectl get rs -n shop -o wide\n"
        "NAME             DESIRED   CURRENT   READY   AGE   CONTAINERS   IMAGES     SELECTOR\n"
        "web-5bf569b75b   0         0         0       2d    app          acme/w:1   app=web,pod-template-hash=5bf569b75b\n"
        "web-7c9f6d5b4f   2         2         0       9m    app          acme/w:2   app=web,pod-template-hash=7c9f6d5b4f\n"
        "$ kubectl describe deploy web -n shop\n"
        "Name:                   web\nNamespace:              shop\nSelector:               app=web\n"
        "Annotations:            deployment.kubernetes.io/revision: 7\nReplicas:               2 desired | 2 updated | 2 total | 0 available | 2 unavailable\n"
    )
    snapshot = pasted(tmp_path, text)
    numbers = {
        name: found(snapshot, "ReplicaSet", "shop", name).annotations["deployment.kubernetes.io/revision"]
        for name in ("web-5bf569b75b", "web-7c9f6d5b4f")
    }
    assert numbers == {"web-5bf569b75b": "6", "web-7c9f6d5b4f": "7"}


def test_a_replica_set_that_lacks_pods_is_refused_in_the_words_of_its_event(tmp_path: Path) -> None:
    text = (
        "$ kubectl get deploy,rs -n shop\n"
        "NAME                  READY   UP-TO-DATE   AVAILABLE   AGE\ndeployment.apps/web   0/2     0            0           9m\n\n"
        "NAME                             DESIRED   CURRENT   READY   AGE\nreplicaset.apps/web-5bf569b75b   2         0         0       9m\n"
        "$ kubectl get events -n shop\n"
        "LAST SEEN   TYPE      REASON         OBJECT                      MESSAGE\n"
        '2m          Warning   FailedCreate   replicaset/web-5bf569b75b   Error creating: pods "web-5bf569b75b-" is forbidden: exceeded quota: team\n'
    )
    (best,) = [one.best for one in diagnosed(pasted(tmp_path, text))]
    assert best is not None
    assert (best.cause, best.target.kind, best.target.name) == ("quota_exceeded", "Deployment", "web")
    assert best.confidence > 0


def test_the_kubelets_complaint_about_one_pod_tells_what_its_siblings_lack(tmp_path: Path) -> None:
    text = (
        "$ kubectl get po -n pay\nNAME                   READY   STATUS                       RESTARTS   AGE\n"
        "api-7d9c5b8f6d-4xk2p   0/1     CreateContainerConfigError   0          6m12s\n"
        "api-7d9c5b8f6d-ptx9m   0/1     CreateContainerConfigError   0          6m12s\n"
        "$ kubectl describe po api-7d9c5b8f6d-4xk2p -n pay | tail -5\nEvents:\n"
        "  Type     Reason     Age                  From               Message\n"
        "  ----     ------     ----                 ----               -------\n"
        "  Normal   Scheduled  6m10s                default-scheduler  Successfully assigned pay/api-7d9c5b8f6d-4xk2p to n1\n"
        '  Warning  Failed     4s (x31 over 6m9s)   kubelet            Error: secret "db-login" not found\n'
    )
    (best,) = [one.best for one in diagnosed(pasted(tmp_path, text))]
    assert best is not None
    assert (best.cause, best.target.kind, best.target.name) == ("missing_secret", "Deployment", "api")
    assert best.confidence > 0.3


def test_descriptions_of_what_routes_scales_and_guards_are_read(tmp_path: Path) -> None:
    text = (
        "$ kubectl describe ing web -n shop\nName:             web\nNamespace:        shop\nIngress Class:    nginx\n"
        "Rules:\n  Host              Path  Backends\n  ----              ----  --------\n  shop.example.com  \n"
        '                    /     web:http (<error: services "web" not found>)\n'
        "                    /api  api:8080 (10.0.0.1:8080,10.0.0.2:8080)\n"
        "$ kubectl describe pdb web -n shop\nName:           web\nNamespace:      shop\nMin available:  2\nSelector:       app=web\n"
        "Status:\n    Allowed disruptions:  0\n    Current:              2\n"
        "$ kubectl describe hpa web -n shop\nName:               web\nNamespace:          shop\nReference:          Deployment/web\n"
        "Min replicas:       1\nMax replicas:       5\nDeployment pods:    5 current / 5 desired\nConditions:\n"
        "  Type            Status  Reason            Message\n  ----            ------  ------            -------\n"
        "  ScalingLimited  True    TooManyReplicas   the desired replica count is more than the maximum\n"
        "$ kubectl describe cj nightly -n shop\nName:                 nightly\nNamespace:            shop\nSchedule:             0 3 * * *\n"
        "Suspend:              True\n"
    )
    snapshot = pasted(tmp_path, text)
    (rule,) = found(snapshot, "Ingress", "shop", "web").trees("spec", "rules")
    assert [(path.text("path"), path.text("backend", "service", "name")) for path in rule.trees("http", "paths")] == [
        ("/", "web"),
        ("/api", "api"),
    ]
    budget = found(snapshot, "PodDisruptionBudget", "shop", "web")
    assert (budget.at("spec", "minAvailable"), budget.at("status", "disruptionsAllowed")) == (2, 0)
    limited = found(snapshot, "HorizontalPodAutoscaler", "shop", "web").condition("ScalingLimited")
    assert limited is not None
    assert (limited.text("reason"), limited.text("message")[:11]) == ("TooManyReplicas", "the desired")
    assert found(snapshot, "CronJob", "shop", "nightly").flag("spec", "suspend")


def test_a_terminal_that_broke_its_lines_is_read_as_if_it_had_not(tmp_path: Path) -> None:
    table = (
        "NAME                        READY   STATUS             RESTARTS   AGE   IP           NODE     NOMINATED NODE\n"
        "front-6c5f7b8d9c-bcdfg      0/1     ImagePullBackOff   0          12m   10.244.1.7   node-1   <none>\n"
    )
    broken = "\n".join(line[at : at + 80] for line in table.splitlines() for at in (0, 80))
    pod = found(
        pasted(tmp_path, f"$ kubectl get pods -n web -o wide\n{broken}\n"), "Pod", "web", "front-6c5f7b8d9c-bcdfg"
    )
    assert pod.text("spec", "nodeName") == "node-1"


def test_a_claim_that_only_an_event_names_is_found(tmp_path: Path) -> None:
    text = (
        "$ kubectl get events -n db\nLAST SEEN   TYPE      REASON               OBJECT                              MESSAGE\n"
        '10s         Warning   ProvisioningFailed   persistentvolumeclaim/data-mysql-0  storageclass.storage.k8s.io "fast" not found\n'
    )
    claim = found(pasted(tmp_path, text), "PersistentVolumeClaim", "db", "data-mysql-0")
    assert (claim.text("status", "phase"), claim.text("spec", "storageClassName")) == ("Pending", "fast")


def test_a_rollout_of_which_only_pods_are_shown_is_not_taken_for_a_healthy_one(tmp_path: Path) -> None:
    text = (
        "$ kubectl get pods -n shop\nNAME                   READY   STATUS    RESTARTS   AGE\n"
        "web-5bf569b75b-6hkjn   1/1     Running   0          3d\nweb-7c9f6d5b4f-2k4qz   0/1     Pending   0          20m\n"
    )
    assert [one.best.target.name for one in diagnosed(pasted(tmp_path, text)) if one.best] == ["web"]


def test_what_was_asked_about_comes_first(tmp_path: Path) -> None:
    lines = (
        f"$ kubectl get pods -n shop\n{PODS}"
        "api-7c9f6d5b4f-2k4qz       0/1     CrashLoopBackOff   9 (2m30s ago)   45m\n"
        "api-7c9f6d5b4f-9xkcd       0/1     CrashLoopBackOff   9 (2m30s ago)   45m\n"
        "$ kubectl logs web-5bf569b75b-6hkjn -n shop --previous\npanic: no such table\n"
    )
    found_all = [one.best.target.name for one in diagnosed(pasted(tmp_path, lines)) if one.best]
    assert found_all[0] == "web"
    assert set(found_all) == {"web", "api"}


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
