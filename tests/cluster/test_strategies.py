"""The custom resource of strategies on a real API server."""

from pathlib import Path

import pytest

from kubernaut.adapters.kubernetes.connection import ClusterOptions
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.adapters.kubernetes.requests import KubernetesApi
from kubernaut.entrypoints.strategies import crd_text
from kubernaut.execution.catalogue import discover
from kubernaut.planning.strategies.reading import read_strategies
from kubernaut.planning.strategies.sources import ResourceSource
from kubernaut.strategy_wiring import known_names
from tests.cluster.cluster import Cluster
from tests.cluster.processes import CommandFailed
from tests.strategies import a_strategy

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "strategies.yaml"


async def test_strategies_are_kept_as_custom_resources_and_read_as_they_were_written(bare: Cluster) -> None:
    bare.kubectl("apply", "-f", "-", stdin=crd_text())
    bare.kubectl("wait", "--for=condition=Established", "crd/remediationstrategies.kubernaut.ai", "--timeout=60s")
    bare.kubectl("apply", "-f", "-", stdin=EXAMPLES.read_text(encoding="utf-8"))
    with pytest.raises(CommandFailed, match="onFailure"):
        bare.kubectl("apply", "-f", "-", stdin=a_strategy("{action: restart_workload, onFailure: retry}"))
    try:
        async with KubernetesApi(ClusterOptions(kubeconfig=str(bare.kubeconfig), context="")) as api:
            texts = await ResourceSource(KubernetesReader(api)).read()
    finally:
        bare.kubectl("delete", "crd/remediationstrategies.kubernaut.ai")
    found = read_strategies(texts, known_names(discover()))
    assert [(each.name, len(each.steps)) for each in found] == [("cordon-then-drain", 2), ("raise-memory-gently", 2)]
