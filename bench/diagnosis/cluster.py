"""A real API server that shows a generated system: etcd and kube-apiserver, as the tests of the cluster start them.

The system's objects are put into etcd as they stand, with their own uids, times and status, since no create through the
API could keep those. What is read back is the real server's: its decoding, defaults, selectors, paging and tables.
Logs cannot be had without a kubelet, and are read from the sandbox.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from bench.diagnosis.system import System
from kubernaut.domain.objects import JsonObject
from kubernaut.sandbox.kinds import STORED, Kind
from kubernaut.sandbox.shapes import copied, encoded, section
from tests.cluster.certificates import Authority
from tests.cluster.control_plane import control_plane
from tests.cluster.programs import find_kubernetes

# Where etcd keeps what is not under its own plural.
_PLACES = {"services": "services/specs", "endpoints": "services/endpoints", "nodes": "minions", "ingresses": "ingress"}
_ROOT = "/registry"
_AT_ONCE = 100  # etcd takes 128 operations in a transaction


@dataclass(slots=True)
class RealServer:
    """A running API server and the etcd under it."""

    kubeconfig: Path
    etcd: httpx2.Client
    written: list[str] = field(default_factory=list)

    def show(self, system: System) -> None:
        """Puts the objects of the system in the place of those of the one before."""
        self.etcd.timeout = httpx2.Timeout(30)
        present: dict[str, bytes] = {}
        for kind in STORED:
            for item in system.cluster.storage.views(kind):
                stored = copied(dict(item.raw))
                section(stored, "metadata").pop("resourceVersion", None)
                present[key_of(kind, item.namespace, item.name)] = encoded(stored)
        # What the server itself says of addresses that it did not give is not of this system.
        self._send(
            [{"requestDeleteRange": {"key": _coded(f"{_ROOT}/events/"), "range_end": _coded(f"{_ROOT}/events0")}}]
        )
        gone = [key for key in self.written if key not in present]
        self._send([{"requestDeleteRange": {"key": _coded(key)}} for key in gone])
        puts = present.items()
        self._send([{"requestPut": {"key": _coded(key), "value": _coded(value)}} for key, value in puts])
        self.written = list(present)

    def _send(self, operations: list[JsonObject]) -> None:
        for start in range(0, len(operations), _AT_ONCE):
            part: JsonObject = {"success": [*operations[start : start + _AT_ONCE]]}
            self.etcd.post("/v3/kv/txn", json=part).raise_for_status()


def key_of(kind: Kind, namespace: str, name: str) -> str:
    """Where the API server keeps the object."""
    return "/".join(part for part in (_ROOT, _PLACES.get(kind.plural, kind.plural), namespace, name) if part)


def _coded(value: str | bytes) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


@contextmanager
def real_server() -> Iterator[RealServer]:
    """The server, gone without a trace when the block ends."""
    with tempfile.TemporaryDirectory(prefix="kubernaut-bench-") as name:
        folder = Path(name)
        authority = Authority(folder / "certificates")
        kubernetes = find_kubernetes()
        with ExitStack() as stack:
            plane = stack.enter_context(
                control_plane(kubernetes, authority, folder, address="127.0.0.1", controllers=False)
            )
            etcd = stack.enter_context(httpx2.Client(base_url=_etcd_of(folder)))
            yield RealServer(plane.admin, etcd)


def _etcd_of(folder: Path) -> str:
    """The address that etcd was started with."""
    words: Sequence[str] = _command_of(folder)
    return next(word.partition("=")[2] for word in words if word.startswith("--advertise-client-urls="))


def _command_of(folder: Path) -> list[str]:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode().split("\0")
        except OSError:
            continue
        if f"--data-dir={folder / 'etcd'}" in words:
            return words
    raise LookupError("etcd is not running")
