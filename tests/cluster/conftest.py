"""One cluster for all tests of this folder, started by the first that needs it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.bed import bed, why_no_api_server, why_no_pods
from tests.cluster.cluster import Cluster
from tests.cluster.monitoring import Monitoring
from tests.cluster.monitoring import monitoring as start_monitoring
from tests.cluster.node import LABEL
from tests.cluster.processes import CommandFailed
from tests.cluster.programs import MONITORING, ProgramMissing, find_kubernetes, given_kubeconfig, missing_programs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def api_server() -> Iterator[Cluster]:
    """A real API server: the one lent by the user, that of a whole cluster, or one by itself where there is no root."""
    if (given := given_kubeconfig()) is not None:
        yield _lent(given)
        return
    if reason := why_no_api_server():
        pytest.skip(f"no real Kubernetes: {reason}")
    with bed(with_pods=not why_no_pods()) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def bare() -> Iterator[Cluster]:
    """An API server of its own without controllers: on a cluster that lives, others change what an action changed."""
    if reason := why_no_api_server():
        pytest.skip(f"no real Kubernetes: {reason}")
    with bed(with_pods=False) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def cluster(api_server: Cluster) -> Cluster:
    """A real cluster whose pods are containers and whose registry holds the test application."""
    if given_kubeconfig() is not None:
        if not api_server.kubectl("get", "nodes", f"--selector={LABEL}", "--output=name"):
            pytest.skip("the cluster of KUBERNAUT_TEST_KUBECONFIG is no test bed and lacks the test application")
    elif reason := why_no_pods():
        pytest.skip(f"no real pods: {reason}")
    return api_server


@pytest.fixture(scope="session")
def monitoring(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitoring]:
    """kube-state-metrics and Prometheus over the cluster; a test adds the Alertmanager with its own webhook."""
    if missing := missing_programs(MONITORING):
        pytest.skip(f"no monitoring: {', '.join(missing)} missing: run tests/cluster/prepare")
    with start_monitoring(cluster, find_kubernetes(), tmp_path_factory.mktemp("monitoring")) as running:
        yield running


def _lent(kubeconfig: Path) -> Cluster:
    try:
        lent = Cluster(kubeconfig, find_kubernetes().command("kubectl"))
        lent.kubectl("get", "namespaces")
    except (ProgramMissing, CommandFailed) as error:
        pytest.skip(f"the cluster of KUBERNAUT_TEST_KUBECONFIG cannot be used: {error}")
    return lent
