"""A sandbox in a process of its own that holds Deployments, each rolled to an image that does not exist.

The namespaces are managed and ask for consent (`autonomy=approve`), so that an incident goes the whole way to a chosen
and ranked remedy, and then waits: what follows a decision does not weigh on the next one.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from kubernaut.domain.objects import JsonObject

NAMESPACES, DEPLOYMENTS = 10, 120
_NODES = 6
_READY_WITHIN_S, _BROKEN_WITHIN_S, _ENDED_WITHIN_S = 180, 180, 30
# The sandbox's example system publishes this image, which wants both variables.
_IMAGE = "registry.example.com/shop/checkout:2.4.1"
_MISSING = "registry.example.com/shop/checkout:2.5.0"
_ENVIRONMENT: tuple[JsonObject, ...] = (
    {"name": "LOG_LEVEL", "value": "info"},
    {"name": "UPSTREAM_URL", "value": "http://upstream"},
)
_RUNNING, _WAITING = "'running'", "ImagePull"


@dataclass(frozen=True, slots=True)
class BrokenCluster:
    """The cluster, and its broken Deployments as (namespace, name)."""

    process: subprocess.Popen[str]
    kubeconfig: Path
    deployments: tuple[tuple[str, str], ...]


@asynccontextmanager
async def broken_cluster() -> AsyncIterator[BrokenCluster]:
    """A cluster in which every Deployment had an available revision and waits for an image since."""
    places = tuple((f"team-{number % NAMESPACES}", f"app-{number}") for number in range(DEPLOYMENTS))
    with started("-m", "kubernaut.sandbox", "--nodes", str(_NODES)) as process:
        url, kubeconfig = (_word(process) for _ in range(2))
        async with httpx2.AsyncClient(base_url=url, timeout=60) as client:
            for number in range(NAMESPACES):
                await _send(client, "POST", "/api/v1/namespaces", _namespace(f"team-{number}"))
            for namespace, name in places:
                await _send(client, "POST", _path(namespace), _deployment(name))
            await _until(client, _RUNNING, within_s=_READY_WITHIN_S)
            for namespace, name in places:
                await _send(client, "PATCH", f"{_path(namespace)}/{name}", _rolled_to(_MISSING))
            await _until(client, _WAITING, within_s=_BROKEN_WITHIN_S)
        yield BrokenCluster(process, Path(kubeconfig), places)


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process with its output as a pipe, ended with the context."""
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=_ENDED_WITHIN_S)


def _word(process: subprocess.Popen[str]) -> str:
    return process.stdout.readline().split()[-1] if process.stdout else ""


async def _send(client: httpx2.AsyncClient, method: str, path: str, body: JsonObject) -> None:
    kind = "application/strategic-merge-patch+json" if method == "PATCH" else "application/json"
    reply = await client.request(method, path, json=body, headers={"Content-Type": kind})
    reply.raise_for_status()


async def _until(client: httpx2.AsyncClient, state: str, *, within_s: float) -> None:
    """Waits until as many pods are in that state as there are Deployments."""
    async with asyncio.timeout(within_s):
        while True:
            reply = await client.get("/api/v1/pods", params={"labelSelector": "bench=yes"})
            pods = reply.raise_for_status().json()["items"]
            if sum(state in str(pod.get("status", {}).get("containerStatuses")) for pod in pods) >= DEPLOYMENTS:
                return
            await asyncio.sleep(1)


def _path(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"


def _namespace(name: str) -> JsonObject:
    labels: JsonObject = {"kubernaut.ai/managed": "true", "kubernaut.ai/autonomy": "approve"}
    return {"metadata": {"name": name, "labels": labels}}


def _deployment(name: str) -> JsonObject:
    labels: JsonObject = {"app": name, "bench": "yes"}
    container: JsonObject = {"name": "main", "image": _IMAGE, "env": [*_ENVIRONMENT]}
    template: JsonObject = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec: JsonObject = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {"metadata": {"name": name, "labels": labels}, "spec": spec}


def _rolled_to(image: str) -> JsonObject:
    return {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}}
