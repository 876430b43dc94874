"""A throwaway Weaviate on loopback, from the binary that `python -m tests.prepare_vectors --weaviate` builds."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.postgres import free_port

VERSION = "1.35.2"
SERVER = Path.home() / ".cache" / "kubernaut-tests" / f"weaviate-{VERSION}" / "weaviate-server"


def missing() -> str:
    return "" if SERVER.exists() else "no Weaviate server (python -m tests.prepare_vectors --weaviate)"


@dataclass(frozen=True)
class WeaviateAddress:
    url: str
    grpc_port: int


@contextmanager
def running_weaviate() -> Iterator[WeaviateAddress]:
    with tempfile.TemporaryDirectory(prefix="kubernaut-weaviate-") as folder:
        ports = [free_port() for _ in range(6)]
        settings = {
            "PERSISTENCE_DATA_PATH": folder,
            "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "true",
            "DEFAULT_VECTORIZER_MODULE": "none",
            "DISABLE_TELEMETRY": "true",
            "CLUSTER_HOSTNAME": "node1",
            "CLUSTER_ADVERTISE_ADDR": "127.0.0.1",
            "CLUSTER_GOSSIP_BIND_PORT": str(ports[2]),
            "CLUSTER_DATA_BIND_PORT": str(ports[3]),
            "RAFT_PORT": str(ports[4]),
            "RAFT_INTERNAL_RPC_PORT": str(ports[5]),
            "RAFT_BOOTSTRAP_EXPECT": "1",
            "GRPC_PORT": str(ports[1]),
            "LOG_LEVEL": "error",
            "GOMEMLIMIT": "1GiB",
            "LIMIT_RESOURCES": "true",
        }
        command = [str(SERVER), "--host", "127.0.0.1", "--port", str(ports[0]), "--scheme", "http"]
        with (Path(folder) / "log").open("ab") as log:
            process = subprocess.Popen(
                command, env={**os.environ, **settings}, stdout=log, stderr=log, cwd=folder  # noqa: TID251
            )  # fmt: skip
        try:
            _wait(f"http://127.0.0.1:{ports[0]}", process, Path(folder) / "log")
            yield WeaviateAddress(f"http://127.0.0.1:{ports[0]}", ports[1])
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if httpx2.get(f"{url}/v1/.well-known/ready", timeout=2, trust_env=False).status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        if time.monotonic() > deadline or process.poll() is not None:
            raise RuntimeError(log.read_text()[-2000:])
        time.sleep(0.2)


@pytest.fixture(scope="session")
def weaviate() -> Iterator[WeaviateAddress]:
    if missing():
        pytest.skip(missing())
    with running_weaviate() as address:
        yield address
