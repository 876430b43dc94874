"""Parts of the cluster itself that fail, and who is told of it: the DNS, the agents of a node, the metrics API."""

from __future__ import annotations

import pytest

from kubernaut.domain.diagnosis import Verdict
from kubernaut.domain.objects import KubeObject
from kubernaut.investigation.diagnosing import diagnose
from tests.objects import (
    Parts,
    autoscaler,
    container,
    crash_loop,
    deployment,
    event,
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

PLAIN = template(container())
NETWORK = (
    'failed to setup network for sandbox "77d0": plugin type="calico" failed (add): stat /var/lib/calico/nodename: no '
    "such file or directory"
)
VOLUME = "driver name ebs.csi.example.com not found in the list of registered CSI drivers"


def system(item: KubeObject) -> KubeObject:
    """The same object in kube-system."""
    there: Parts = {**item.tree("metadata").raw, "namespace": "kube-system"}
    return KubeObject({**item.raw, "metadata": there})


def agent(name: str, status: Parts, at: str = "worker-1") -> list[KubeObject]:
    made = system(workload("DaemonSet", name, PLAIN))
    return [made, system(pod(f"{name}-a", [status], of=made, node=at))]


def stuck(reason: str, message: str) -> list[KubeObject]:
    item = deployment("checkout", PLAIN, replicas=1, status={"readyReplicas": 0})
    made = replica_set(item, 1, PLAIN, desired=1)
    held = pod("checkout-a", [waiting("ContainerCreating")], of=made, phase="Pending")
    return [item, made, held, event(held, reason, message, count=30), node()]


@pytest.mark.parametrize(
    ("name", "reason", "message"),
    [("calico-node", "FailedCreatePodSandBox", NETWORK), ("ebs-csi-node", "FailedMount", VOLUME)],
)
def test_the_agent_of_its_node_that_the_kubelet_lacks_explains_a_pod_that_does_not_start(
    name: str, reason: str, message: str
) -> None:
    items = stuck(reason, message)
    failing = agent(name, crash_loop())
    found = diagnose(scene_of(items, failing), items[0].ref)
    assert (best(found).cause, best(found).target) == ("crash_without_change", failing[0].ref)
    assert best(found).verdict is not Verdict.ACT


@pytest.mark.parametrize(
    "others",
    [agent("calico-node", running()), agent("calico-node", crash_loop(), "worker-2"), agent("tailer", crash_loop())],
    ids=["it runs", "on another node", "another agent"],
)
def test_an_agent_that_runs_there_or_is_another_explains_nothing(others: list[KubeObject]) -> None:
    items = stuck("FailedCreatePodSandBox", NETWORK)
    found = diagnose(scene_of(items, others), items[0].ref)
    assert causes(found) == ["sandbox_not_made"]


NO_ANSWER = "dial tcp: lookup ledger on 10.96.0.10:53: read udp 10.1.0.9:40112->10.96.0.10:53: i/o timeout"


@pytest.mark.parametrize(("ready", "expected"), [(False, "crash_without_change"), (True, "dns_fails")])
def test_names_that_get_no_answer_are_explained_by_a_name_server_that_fails(ready: bool, expected: str) -> None:  # noqa: FBT001
    wanted = template(container(), labels={"k8s-app": "kube-dns"})
    dns = system(deployment("coredns", wanted, replicas=1, status={"readyReplicas": int(ready)}))
    made = system(replica_set(dns, 1, wanted, desired=1, available=int(ready)))
    server = system(pod("coredns-a", [running() if ready else crash_loop()], of=made))
    front = system(service("kube-dns", {"k8s-app": "kube-dns"}))
    rollout = Rollout(PLAIN, PLAIN, minutes_ago=900)
    pods = rollout.pods(crash_loop())
    scene = scene_of(
        rollout.parts, pods, node(), service("ledger", {"app": "ledger"}), dns, made, server, front,
        logs=dict.fromkeys(pods, NO_ANSWER),
    )  # fmt: skip
    top = best(diagnose(scene, rollout.deployment.ref))
    assert (top.cause, top.target) == (expected, rollout.deployment.ref if ready else dns.ref)


def test_an_autoscaler_without_numbers_is_explained_by_a_metrics_server_that_fails() -> None:
    message = "unable to get metrics for resource cpu: the server could not handle it (get pods.metrics.k8s.io)"
    state: Parts = {"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric", "message": message}
    item = deployment("checkout", PLAIN, replicas=1)
    made = replica_set(item, 1, PLAIN, desired=1, available=1)
    bare = autoscaler("checkout", item)
    scaler = KubeObject({**bare.raw, "status": {"conditions": [state]}})
    source = system(deployment("metrics-server", PLAIN, replicas=1, status={"readyReplicas": 0}))
    its = system(replica_set(source, 1, PLAIN, desired=1))
    well = [item, made, pod("checkout-a", [running()], of=made), scaler, node()]
    failing = [source, its, system(pod("metrics-server-a", [crash_loop()], of=its))]
    found = diagnose(scene_of(well, failing), scaler.ref)
    assert causes(found) == ["crash_without_change", "autoscaler_blind"]
    assert best(found).target == source.ref
    assert causes(diagnose(scene_of(well), scaler.ref)) == ["autoscaler_blind"]
