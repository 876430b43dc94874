"""A whole Kubernetes on this machine: `with bed() as cluster`.

As root with everything prepared, pods are real containers. Without root it is an API server alone.
`python -m tests.cluster.bed` starts one to try by hand, until Ctrl-C.
"""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.cluster.certificates import Authority
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import control_plane
from tests.cluster.name_server import services_of
from tests.cluster.namespaces import link
from tests.cluster.node import NAME, ground, node
from tests.cluster.processes import wait_until
from tests.cluster.programs import CONTROL_PLANE, NODE, ProgramMissing, find_kubernetes, missing_programs

_PREFIX = "kubernaut-bed-"


def why_no_api_server() -> str:
    """Why no API server can be started here; empty if one can."""
    if missing := missing_programs(CONTROL_PLANE):
        return f"{', '.join(missing)} missing: run tests/cluster/prepare"
    try:
        find_kubernetes().command("kube-apiserver")
        find_kubernetes().command("kubectl")
    except ProgramMissing as error:
        return str(error)
    return ""


def why_no_pods() -> str:
    """Why no node can be started here; empty if one can."""
    if os.geteuid() != 0:
        return "containers need root"
    if missing := missing_programs(NODE):
        return f"{', '.join(missing)} missing: run tests/cluster/prepare"
    try:
        find_kubernetes().command("kubelet")
    except ProgramMissing as error:
        return str(error)
    return why_no_api_server()


@contextmanager
def bed(*, with_pods: bool = True) -> Iterator[Cluster]:
    """A running cluster, gone without a trace when the block ends; with pods, its node is ready."""
    kubernetes = find_kubernetes()
    with ExitStack() as stack:
        _remove_remains()
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        stack.callback(shutil.rmtree, folder)
        kubectl = (*kubernetes.command("kubectl"), f"--cache-dir={folder / 'kubectl'}")
        authority = Authority(folder / "certificates")
        if not with_pods:
            plane = stack.enter_context(
                control_plane(kubernetes, authority, folder, address="127.0.0.1", controllers=False)
            )
            yield Cluster(plane.admin, kubectl)
            return
        cable = stack.enter_context(link())
        place = stack.enter_context(ground(folder, cable, authority))
        plane = stack.enter_context(
            control_plane(kubernetes, authority, folder, address=cable.outside, controllers=True)
        )
        place.names.services = services_of(plane.server, authority)
        worker = stack.enter_context(node(kubernetes, plane, place, folder))
        cluster = Cluster(plane.admin, kubectl, worker)
        ready = '.status.conditions[?(@.type=="Ready")].status'
        wait_until(
            "the node is ready",
            lambda: cluster.read(f"node/{NAME}", ready) == "True",
            every_s=0.3,
            child=worker.kubelet,
        )
        yield cluster


def _remove_remains() -> None:
    """Removes the files of beds that were killed; their processes and mounts went with them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if not Path(f"/proc/{owner}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _stay() -> int:
    if reason := why_no_pods():
        sys.stderr.write(f"{reason}\n")
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with bed() as cluster:
        sys.stdout.write(f"export KUBERNAUT_TEST_KUBECONFIG={cluster.kubeconfig}\n")
        sys.stdout.write(f"alias kubectl='{' '.join(cluster.kubectl_command)} --kubeconfig={cluster.kubeconfig}'\n")
        sys.stdout.flush()
        try:
            signal.pause()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(_stay())
