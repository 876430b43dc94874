"""containerd with runc and a bridge, configured for the inside of one node."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.images import PAUSE
from tests.cluster.namespaces import Namespaces
from tests.cluster.processes import start, wait_until
from tests.cluster.programs import need_program

SOCKET = "/run/containerd/containerd.sock"


@contextmanager
def container_runtime(inside: Namespaces, folder: Path, *, trusted: Path) -> Iterator[None]:
    """A running containerd that believes the registries which the trusted authority signed for."""
    networks = folder / "cni"
    networks.mkdir()
    (networks / "10-bed.conflist").write_text(json.dumps(_network()))
    (folder / "containerd.toml").write_text(_containerd(networks))
    command = [
        "env",
        f"SSL_CERT_FILE={trusted}",
        str(need_program("containerd")),
        "--config",
        str(folder / "containerd.toml"),
    ]
    child = start("containerd", inside.entering(command), folder / "logs")
    try:
        socket = Path(f"/proc/{inside.first_process}/root{SOCKET}")
        wait_until("containerd listens", socket.exists, child=child)
        yield
    finally:
        child.stop()


def _containerd(networks: Path) -> str:
    plugins = need_program("host-local").parent
    disabled = ", ".join(f'"io.containerd.snapshotter.v1.{name}"' for name in ("aufs", "btrfs", "devmapper", "zfs"))
    return f"""version = 2
disabled_plugins = [{disabled}]
[grpc]
address = "{SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE.reference}"
# Root in a sandbox may lack CAP_SYS_RESOURCE, and runc then cannot lower a score.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "{need_program("runc")}"
SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{networks}"
"""


def _network() -> dict[str, object]:
    addresses = {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": addresses,
    }
    return {
        "cniVersion": "0.4.0",
        "name": "bed",
        "plugins": [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}],
    }
