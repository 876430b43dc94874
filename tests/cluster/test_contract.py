"""The contract cases, which the sandbox passes, hold on the real API server too."""

import os
import subprocess
import sys
from pathlib import Path

from tests.cluster.bed import why_no_pods
from tests.cluster.cluster import Cluster
from tests.cluster.manifests import IMAGE
from tests.cluster.programs import given_kubeconfig

ROOT = Path(__file__).parents[2]
ACCESS = "tests/contract/test_cluster_access.py"
# Without controllers no namespace gets its account and no pod is made, so an API server alone gives only the first.
API = "tests/contract/kubernetes_api"


def test_the_real_api_server_passes_the_cases_of_the_sandbox(api_server: Cluster, tmp_path: Path) -> None:
    is_whole = given_kubeconfig() is not None or not why_no_pods()
    environment = {**os.environ, "KUBERNAUT_TEST_KUBECONFIG": str(api_server.kubeconfig)}  # noqa: TID251
    if api_server.node is not None:
        images = {"KUBERNAUT_TEST_IMAGE": IMAGE, "KUBERNAUT_TEST_NEXT_IMAGE": IMAGE.replace(":1.0", ":1.1")}
        environment.update(images)
    options = ["-k", "real", "-q", "-rs", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'cases'}"]
    command = [sys.executable, "-m", "pytest", ACCESS, *([API] if is_whole else []), *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
