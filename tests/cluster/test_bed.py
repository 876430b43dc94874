"""The test bed does what the tests above it take for granted."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.manifests import IMAGE, Storefront
from tests.cluster.monitoring import Monitoring, check_configurations
from tests.cluster.node import NAME
from tests.cluster.processes import wait_until
from tests.cluster.programs import MONITORING, missing_programs
from tests.cluster.webhook_inbox import webhook_inbox

_STATUS = ".items[*].status.containerStatuses[0]"


def _available(cluster: Cluster, shop: Storefront) -> None:
    cluster.wait_for(
        f"deployment/{shop.name}",
        ".status.availableReplicas",
        str(shop.replicas),
        namespace=shop.namespace,
    )


def _pod(cluster: Cluster, namespace: str) -> str:
    return cluster.read("pods", ".items[0].metadata.name", namespace=namespace)


def test_the_server_is_the_kubernetes_release_that_was_built(api_server: Cluster) -> None:
    assert '"gitVersion": "v1.34.' in api_server.kubectl("get", "--raw=/version")


def test_the_node_is_ready(cluster: Cluster) -> None:
    assert cluster.read(f"node/{NAME}", '.status.conditions[?(@.type=="Ready")].status') == "True"


def test_a_deployment_gets_pods_that_serve_through_its_service(cluster: Cluster) -> None:
    with cluster.namespace() as namespace:
        shop = Storefront(namespace, replicas=2)
        cluster.apply(shop.deployment(), shop.service())
        _available(cluster, shop)
        slices = "endpointslices --selector=kubernetes.io/service-name=storefront"
        ready = ".items[*].endpoints[?(@.conditions.ready==true)].addresses[0]"
        cluster.wait_for(slices, ready, lambda seen: len(seen.split()) == 2, namespace=namespace)
        address = cluster.read("service/storefront", ".spec.clusterIP", namespace=namespace)
        # The first try may come before kube-proxy has heard of the endpoints.
        fetch = f"until timeout 2 wget -qO- http://{address}/; do sleep 0.2; done"
        command = ("exec", f"--namespace={namespace}", _pod(cluster, namespace), "--", "timeout", "30", "sh")
        assert cluster.kubectl(*command, "-c", fetch) == "storefront 1.0\n"


def test_a_container_over_its_memory_limit_is_killed_with_137(cluster: Cluster) -> None:
    with cluster.namespace() as namespace:
        cluster.apply(Storefront(namespace, arguments=["--cache-mib=96"], memory="48Mi").deployment())
        cluster.wait_for(
            "pods", f"{_STATUS}.lastState.terminated['reason','exitCode']", "OOMKilled 137", namespace=namespace
        )


def test_the_same_container_runs_when_the_limit_is_high_enough(cluster: Cluster) -> None:
    with cluster.namespace() as namespace:
        shop = Storefront(namespace, arguments=["--cache-mib=96"], memory="512Mi")
        cluster.apply(shop.deployment())
        _available(cluster, shop)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (IMAGE.replace(":1.0", ":1.0.7"), "not found"),
        (IMAGE.replace("registry.", "registy."), "no such host"),
        (IMAGE.replace("/storefront", "/private/storefront"), "401 Unauthorized"),
    ],
    ids=["tag", "host", "credentials"],
)
def test_a_failed_pull_names_its_genuine_reason(cluster: Cluster, image: str, message: str) -> None:
    with cluster.namespace() as namespace:
        shop = Storefront(namespace)
        cluster.apply(shop.deployment())
        _available(cluster, shop)
        cluster.apply(replace(shop, image=image).deployment())
        waiting = f"{_STATUS}.state.waiting"
        cluster.wait_for("pods", f"{waiting}.message", lambda seen: message in seen, namespace=namespace)
        assert cluster.read("pods", f"{waiting}.reason", namespace=namespace) in {"ErrImagePull", "ImagePullBackOff"}
        assert cluster.read("deployment/storefront", ".status.availableReplicas", namespace=namespace) == "1"


def test_a_private_image_is_pulled_with_its_secret(cluster: Cluster) -> None:
    with cluster.namespace() as namespace:
        cluster.kubectl(
            "create", "secret", "docker-registry", "regcred", f"--namespace={namespace}",
            "--docker-server=registry.invalid", "--docker-username=buyer", "--docker-password=correct-horse",
        )  # fmt: skip
        secrets = '{"imagePullSecrets": [{"name": "regcred"}]}'
        cluster.kubectl("patch", "serviceaccount", "default", f"--namespace={namespace}", f"--patch={secrets}")
        shop = Storefront(namespace, image=IMAGE.replace("/storefront", "/private/storefront"))
        cluster.apply(shop.deployment())
        _available(cluster, shop)


def test_a_container_that_exits_with_1_crash_loops_and_leaves_its_log(cluster: Cluster) -> None:
    with cluster.namespace() as namespace:
        cluster.apply(Storefront(namespace, arguments=["--cache-ttl=30s"]).deployment())
        reason = f"{_STATUS}.state.waiting.reason"
        cluster.wait_for("pods", reason, "CrashLoopBackOff", namespace=namespace)
        cluster.wait_for("pods", f"{_STATUS}.restartCount", lambda seen: int(seen or 0) >= 3, namespace=namespace)
        command = ("logs", "--previous", f"--namespace={namespace}", _pod(cluster, namespace))
        # Around a restart the kubelet may answer that the log is not to be had, with success.
        wait_until(
            "the log of the last run", lambda: "flag provided but not defined: --cache-ttl" in cluster.kubectl(*command)
        )


def test_a_silent_kubelet_makes_the_node_not_ready_until_it_speaks_again(cluster: Cluster) -> None:
    if cluster.node is None:
        pytest.skip("a lent cluster is not harmed")
    ready = '.status.conditions[?(@.type=="Ready")].status'
    cluster.node.freeze()
    try:
        cluster.wait_for(f"node/{NAME}", ready, "Unknown", namespace="default")
    finally:
        cluster.node.thaw()
    cluster.wait_for(f"node/{NAME}", ready, "True", namespace="default")


def test_prometheus_and_alertmanager_accept_their_configurations(tmp_path: Path) -> None:
    if missing := missing_programs(MONITORING):
        pytest.skip(f"{', '.join(missing)} missing: run tests/cluster/prepare")
    said = check_configurations(tmp_path)
    assert "is valid prometheus config file syntax" in said
    assert "Found:\n - global config\n - route" in said


def test_prometheus_sees_the_objects_of_the_cluster(cluster: Cluster, monitoring: Monitoring) -> None:
    with cluster.namespace() as namespace:
        cluster.apply(Storefront(namespace).deployment())
        query = f'kube_deployment_spec_replicas{{namespace="{namespace}", deployment="storefront"}} == 1'
        wait_until("the deployment is a metric", lambda: monitoring.query(query))


def test_an_alert_reaches_the_webhook_and_resolves_after_mending(cluster: Cluster, monitoring: Monitoring) -> None:
    with cluster.namespace() as namespace, webhook_inbox() as inbox, monitoring.alertmanager(inbox.url):
        shop = Storefront(namespace, arguments=["--cache-ttl=30s"])
        cluster.apply(shop.deployment())
        labels = {"alertname": "KubePodCrashLooping", "namespace": namespace, "container": "storefront"}
        wait_until("the alert fires", lambda: inbox.has("firing", **labels))
        assert not inbox.has("resolved", **labels)
        cluster.apply(replace(shop, arguments=[]).deployment())
        wait_until("the alert is resolved", lambda: inbox.has("resolved", **labels))


def test_a_service_whose_selector_matches_nothing_raises_an_alert(cluster: Cluster, monitoring: Monitoring) -> None:
    with cluster.namespace() as namespace, webhook_inbox() as inbox, monitoring.alertmanager(inbox.url):
        shop = Storefront(namespace)
        cluster.apply(shop.deployment(), shop.service())
        _available(cluster, shop)
        labels = {"alertname": "KubeServiceWithoutEndpoints", "namespace": namespace, "service": "storefront"}
        selector = '{"spec": {"selector": {"app": "store-front"}}}'
        cluster.kubectl("patch", "service/storefront", f"--namespace={namespace}", f"--patch={selector}")
        wait_until("the alert fires", lambda: inbox.has("firing", **labels))
