"""Where the programs of the test bed are: Kubernetes built from Go modules, the rest from Debian's packages.

Packages that would start a service when installed are unpacked into the cache instead, so nothing on the
machine changes; `prepare.py` fills the cache, this module only looks.
"""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

BINARIES = Path(__file__).parent / "binaries"
KUBERNETES_VERSION = "v1.34.4"

# Unpacked, not installed: these bring services, or (busybox-static) would displace another package.
UNPACKED = {
    "etcd": "etcd-server",
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "runc": "runc",
    "host-local": "containernetworking-plugins",
    "busybox": "busybox-static",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
}
# Installed: small, without services, and bound to the libraries of the system.
INSTALLED = {"openssl": "openssl", "iptables": "iptables", "ip": "iproute2", "nsenter": "util-linux"}

CONTROL_PLANE = ("etcd", "openssl", "nsenter")
NODE = ("containerd", "containerd-shim-runc-v2", "runc", "host-local", "busybox", "iptables", "ip", "nsenter")
MONITORING = ("prometheus", "promtool", "prometheus-alertmanager", "amtool")

_FOLDERS = ("usr/bin", "usr/sbin", "bin", "sbin", "usr/lib/cni")


class ProgramMissing(Exception):
    """A program that the test bed needs is not on this machine; the text says how to get it."""


def cache_folder() -> Path:
    """The folder for what is built or unpacked once and kept between runs."""
    home = os.environ.get("XDG_CACHE_HOME")  # noqa: TID251 - the test bed reads its own settings
    return Path(home or Path.home() / ".cache") / "kubernaut"


def unpacked_packages() -> Path:
    return cache_folder() / "debian"


def find_program(name: str) -> Path | None:
    """The program's path: from the cache if it is there, else as installed."""
    for folder in _FOLDERS:
        candidate = unpacked_packages() / folder / name
        if candidate.is_file():
            return candidate
    installed = shutil.which(name, path=os.pathsep.join("/" + folder for folder in _FOLDERS))
    if installed and name == "busybox" and not is_static(Path(installed)):
        return None
    return Path(installed) if installed else None


def is_static(program: Path) -> bool:
    """Whether the program runs in an image that holds nothing else."""
    return b"/ld-linux" not in program.read_bytes()[:4096]


def need_program(name: str) -> Path:
    found = find_program(name)
    if found is None:
        raise ProgramMissing(f"{name} is missing; tests/cluster/prepare gets it")
    return found


def missing_programs(names: tuple[str, ...]) -> list[str]:
    return [name for name in names if find_program(name) is None]


def built_kube() -> Path:
    """Where the build of `binaries/` as it is now belongs; an edit there gives another name."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum", "main.go"):
        digest.update((BINARIES / name).read_bytes())
    return cache_folder() / f"kube-{KUBERNETES_VERSION}-{digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class Kubernetes:
    """The Kubernetes programs at hand: all of them in one file, or a folder with some of them."""

    built: Path | None
    assets: Path | None

    def command(self, name: str) -> tuple[str, ...]:
        """The first words of a command line that runs the program."""
        if self.assets is not None and (self.assets / name).is_file():
            return (str(self.assets / name),)
        if self.built is not None:
            return (str(self.built), name)
        raise ProgramMissing(f"{name} is missing; tests/cluster/prepare builds it")

    def etcd(self) -> Path:
        if self.assets is not None and (self.assets / "etcd").is_file():
            return self.assets / "etcd"
        return need_program("etcd")


def find_kubernetes() -> Kubernetes:
    """The programs named by KUBEBUILDER_ASSETS where it is set, and the build of ours where it is made."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")  # noqa: TID251 - as above
    built = built_kube()
    return Kubernetes(built=built if built.is_file() else None, assets=Path(assets) if assets else None)


def given_kubeconfig() -> Path | None:
    """A cluster that the user lends to the tests instead of the bed."""
    path = os.environ.get("KUBERNAUT_TEST_KUBECONFIG")  # noqa: TID251 - as above
    return Path(path) if path else None
