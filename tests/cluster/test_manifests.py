from __future__ import annotations

import pytest

from tests.cluster.cluster import Cluster
from tests.deploy.manifests import MAIN

pytestmark = pytest.mark.cluster


def test_a_real_api_server_takes_the_manifests_without_a_warning(api_server: Cluster) -> None:
    # Where the namespace is not there, a dry run of what is in it is refused.
    api_server.kubectl("create", "namespace", "kubernaut")
    try:
        said = api_server.kubectl("apply", "--dry-run=server", "--validate=strict", f"--filename={MAIN}")
    finally:
        api_server.kubectl("delete", "namespace", "kubernaut", "--wait=false")

    for kind in ("serviceaccount", "configmap", "persistentvolumeclaim", "deployment.apps", "service"):
        assert f"{kind}/kubernaut" in said
    assert "warning" not in said.lower()
