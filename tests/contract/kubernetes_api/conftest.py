"""The same cases against the sandbox and against a real API server (KUBERNAUT_TEST_KUBECONFIG)."""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
import yaml

from kubernaut.sandbox import Sandbox
from kubernaut.sandbox.applications import Application, Listener

IMAGE = "registry.example.com/team/app:1.0.0"
NEXT_IMAGE = "registry.example.com/team/app:1.1.0"
T = TypeVar("T")


@dataclass(frozen=True)
class Api:
    """A plain client with a namespace of its own. `image` is empty where pods cannot run."""

    client: httpx2.AsyncClient
    namespace: str
    image: str
    next_image: str

    def core(self, plural: str, name: str = "") -> str:
        return f"/api/v1/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def apps(self, plural: str, name: str = "") -> str:
        return f"/apis/apps/v1/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    async def make(self, path: str, body: dict[str, Any], **query: str) -> dict[str, Any]:
        reply = await self.client.post(path, json=body, params=query)
        assert reply.status_code == 201, reply.text
        made: dict[str, Any] = reply.json()
        return made

    async def read(self, path: str, **query: str) -> dict[str, Any]:
        reply = await self.client.get(path, params=query)
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    async def patch(self, path: str, body: object, kind: str = "merge", **query: str) -> httpx2.Response:
        headers = {"content-type": f"application/{kind}-patch+json"}
        return await self.client.patch(path, json=body, headers=headers, params=query)


async def eventually(look: Callable[[], Awaitable[T]], *, seconds: float = 60.0) -> T:
    """The first true value, or a failure after the time."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):  # the other side is an API, it sets no event
            await asyncio.sleep(0.05)
    return found


def _real_client(kubeconfig: Path, folder: Path) -> httpx2.AsyncClient:
    config = yaml.safe_load(kubeconfig.read_text())
    context = next(c["context"] for c in config["contexts"] if c["name"] == config["current-context"])
    cluster = next(c["cluster"] for c in config["clusters"] if c["name"] == context["cluster"])
    user = next(u["user"] for u in config["users"] if u["name"] == context["user"])

    def file_of(section: dict[str, str], key: str) -> str | None:
        if f"{key}-data" in section:
            path = folder / key
            path.write_bytes(base64.b64decode(section[f"{key}-data"]))
            return str(path)
        return section.get(key)

    trust: ssl.SSLContext | bool = True
    if cluster["server"].startswith("https"):
        trust = ssl.create_default_context(cafile=file_of(cluster, "certificate-authority"))
        certificate = file_of(user, "client-certificate")
        if certificate is not None:
            trust.load_cert_chain(certificate, file_of(user, "client-key"))
    headers = {"authorization": f"Bearer {user['token']}"} if "token" in user else {}
    return httpx2.AsyncClient(base_url=cluster["server"], verify=trust, headers=headers, timeout=30)


@pytest.fixture(params=["sandbox", "real"])
async def api(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Api]:
    if request.param == "real":
        kubeconfig = os.environ.get("KUBERNAUT_TEST_KUBECONFIG")  # noqa: TID251  # tests have no settings
        if not kubeconfig:
            pytest.skip("KUBERNAUT_TEST_KUBECONFIG names no cluster")
        image = os.environ.get("KUBERNAUT_TEST_IMAGE", "")  # noqa: TID251
        async with _real_client(Path(kubeconfig), tmp_path) as client, _in_own_namespace(client) as namespace:
            yield Api(client, namespace, image, os.environ.get("KUBERNAUT_TEST_NEXT_IMAGE", image))  # noqa: TID251
        return
    async with Sandbox(speed=30.0) as sandbox:
        program = Application(listeners=(Listener(8080),), startup_s=0.5)
        sandbox.universe.world.publish({IMAGE: program, NEXT_IMAGE: program})
        async with (
            httpx2.AsyncClient(base_url=sandbox.url, timeout=10) as client,
            _in_own_namespace(client) as namespace,
        ):
            yield Api(client, namespace, IMAGE, NEXT_IMAGE)


class _in_own_namespace:  # noqa: N801  # reads as a statement
    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self._name = ""

    async def __aenter__(self) -> str:
        reply = await self._client.post("/api/v1/namespaces", json={"metadata": {"generateName": "contract-"}})
        assert reply.status_code == 201, reply.text
        self._name = reply.json()["metadata"]["name"]
        account = f"/api/v1/namespaces/{self._name}/serviceaccounts/default"

        async def has_account() -> bool:
            return (await self._client.get(account)).status_code == 200

        await eventually(has_account)
        return self._name

    async def __aexit__(self, *_: object) -> None:
        await self._client.delete(f"/api/v1/namespaces/{self._name}")


def settings(name: str, labels: dict[str, str] | None = None, **content: str) -> dict[str, Any]:
    """A ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": labels or {}},
        "data": content,
    }


def deployment(name: str, image: str, *, replicas: int = 2) -> dict[str, Any]:
    """A Deployment with one container."""
    container = {
        "name": "app",
        "image": image or IMAGE,
        "ports": [{"name": "http", "containerPort": 8080}],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    }
