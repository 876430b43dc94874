"""The sandbox over HTTP: what is not part of the Kubernetes contract."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Generator
from datetime import timedelta

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kubernaut.domain.errors import PortTaken
from kubernaut.domain.objects import JsonObject, Tree
from kubernaut.sandbox import AlertPolicy, Sandbox
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, CONFIG_MAP
from kubernaut.sandbox.scenarios import find_scenario, prepare_system
from kubernaut.sandbox.universe import Universe


class Receiver:
    """Takes webhooks; the first ones are answered with 503."""

    def __init__(self, refusals: int) -> None:
        self.url = ""
        self.bodies: list[Tree] = []
        self._refusals = refusals
        self._news = asyncio.Event()

    async def take(self, request: Request) -> Response:
        if self._refusals:
            self._refusals -= 1
            return Response(status_code=503)
        self.bodies.append(Tree(await request.json()))
        self._news.set()
        return Response(status_code=200)

    async def wait_for(self, status: str) -> Tree:
        async with asyncio.timeout(30):
            while not (found := [body for body in self.bodies if body.text("status") == status]):
                self._news.clear()
                await self._news.wait()
        return found[0]


class QuietServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    taken = Receiver(refusals=2)
    app = Starlette(routes=[Route("/hook", taken.take, methods=["POST"])])
    server = QuietServer(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        taken.url = f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve([listener]))
            yield taken
            server.should_exit = True


async def test_alerts_arrive_in_the_wire_format_after_retries_and_resolve(receiver: Receiver) -> None:
    second = timedelta(seconds=1)
    policy = AlertPolicy(
        receiver.url, hold=30 * second, every=10 * second, group_wait=10 * second, group_interval=20 * second
    )
    async with Sandbox(speed=60, alerts=policy) as sandbox:
        prepare_system(sandbox.universe, "browse")
        await sandbox.clock.sleep(timedelta(seconds=40))
        find_scenario("service-selector-changed").inject(sandbox.universe)
        body = await receiver.wait_for("firing")
        assert (body.text("version"), body.text("groupKey")) == ("4", '{}:{namespace="catalog"}')
        (alert,) = [item for item in body.trees("alerts") if item.text("labels", "service") == "browse"]
        assert alert.text("labels", "alertname") == "KubeServiceWithoutEndpoints"
        assert alert.text("endsAt") == "0001-01-01T00:00:00Z"
        async with httpx2.AsyncClient(base_url=sandbox.url) as client:
            patch = {"spec": {"selector": {"tier": None}}}
            path = "/api/v1/namespaces/catalog/services/browse"
            headers = {"content-type": "application/merge-patch+json"}
            assert (await client.patch(path, json=patch, headers=headers)).is_success
        resolved = await receiver.wait_for("resolved")
        assert all(item.time("endsAt") for item in resolved.trees("alerts"))


async def test_the_audit_knows_who_wrote_what_and_leaves_dry_runs_out() -> None:
    async with Sandbox() as sandbox, httpx2.AsyncClient(base_url=sandbox.url) as client:
        path = "/api/v1/namespaces/default/configmaps"
        for number, tries in enumerate(({}, {"dryRun": "All"})):
            query = {"fieldManager": "someone", **tries}
            await client.post(path, json={"metadata": {"name": f"one-{number}"}}, params=query)
        (write,) = sandbox.cluster.writes_by("someone")
        assert (write.verb, write.kind, write.namespace, write.name) == ("create", "ConfigMap", "default", "one-0")


async def test_with_tokens_the_roles_of_the_cluster_are_enforced() -> None:
    user = "system:serviceaccount:ops:reader"
    async with Sandbox(tokens={"sesame": user}) as sandbox, httpx2.AsyncClient(base_url=sandbox.url) as client:
        path = "/api/v1/namespaces/default/configmaps"
        assert (await client.get(path)).status_code == 401
        headers = {"authorization": "Bearer sesame"}
        refused = await client.get(path, headers=headers)
        assert refused.status_code == 403
        assert f'User "{user}" cannot list resource "configmaps"' in refused.json()["message"]
        rule: JsonObject = {"verbs": ["list"], "apiGroups": [""], "resources": ["configmaps"]}
        by = By("test")
        sandbox.cluster.create(CLUSTER_ROLE, "", {"metadata": {"name": "read"}, "rules": [rule]}, by)
        subject: JsonObject = {"kind": "ServiceAccount", "namespace": "ops", "name": "reader"}
        role: JsonObject = {"kind": "ClusterRole", "name": "read"}
        binding: JsonObject = {"metadata": {"name": "read"}, "roleRef": role, "subjects": [subject]}
        sandbox.cluster.create(CLUSTER_ROLE_BINDING, "", binding, by)
        assert (await client.get(path, headers=headers)).status_code == 200
        assert (await client.delete(f"{path}/x", headers=headers)).status_code == 403


async def test_a_port_that_is_taken_is_said_so() -> None:
    async with Sandbox() as first:
        with pytest.raises(PortTaken, match="is in use"):
            async with Sandbox(port=int(first.url.rsplit(":", 1)[1])):
                pass


async def test_a_watch_or_a_page_from_a_forgotten_version_is_410() -> None:
    async with Sandbox() as sandbox, httpx2.AsyncClient(base_url=sandbox.url) as client:
        path = "/api/v1/configmaps"
        # The first system objects appear at once, and more than one of them is a ConfigMap.
        async with asyncio.timeout(10):
            while not (page := (await client.get(path, params={"limit": "1"})).json())["metadata"].get(
                "continue"
            ):  # an API sets no event
                await asyncio.sleep(0.01)
        sandbox.cluster.create(CONFIG_MAP, "default", {"metadata": {"name": "later"}}, By("test"))
        sandbox.cluster.storage.forget_changes(CONFIG_MAP)
        token = page["metadata"]["continue"]
        following = await client.get(path, params={"limit": "1", "continue": token})
        assert (following.status_code, following.json()["reason"]) == (410, "Expired")
        query = {"watch": "true", "timeoutSeconds": "5", "resourceVersion": page["metadata"]["resourceVersion"]}
        event = (await client.get(path, params=query)).json()
        assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


async def test_server_side_apply_is_refused_with_a_reason() -> None:
    async with Sandbox() as sandbox, httpx2.AsyncClient(base_url=sandbox.url) as client:
        headers = {"content-type": "application/apply-patch+yaml"}
        path = "/api/v1/namespaces/default/configmaps/one"
        reply = await client.patch(path, content=b"{}", headers=headers)
        assert reply.status_code == 415
        assert "server-side apply" in reply.json()["message"]


def test_a_sandbox_in_a_thread_is_reached_by_calls() -> None:
    with Sandbox.start_in_thread(speed=30) as sandbox:
        assert httpx2.get(f"{sandbox.url}/readyz").text == "ok"

        def names(universe: Universe) -> set[str]:
            return {item.name for item in universe.cluster.storage.views(CONFIG_MAP, "default")}

        assert "kube-root-ca.crt" in sandbox.call(names)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on the path")
def test_kubectl_rolls_out_scales_describes_and_deletes() -> None:
    with Sandbox.start_in_thread(speed=60) as sandbox:
        sandbox.call(lambda universe: prepare_system(universe, "checkout"))
        config = str(sandbox.kubeconfig())

        def kubectl(*words: str, feed: str = "") -> str:
            command = ["kubectl", "--kubeconfig", config, "-n", "shop", *words]
            done = subprocess.run(command, capture_output=True, text=True, input=feed, timeout=60, check=False)
            assert done.returncode == 0, done.stderr
            return done.stdout

        image = "checkout=registry.example.com/shop/checkout:2.4.0"
        kubectl("rollout", "status", "deploy/checkout", "--timeout=30s")
        kubectl("set", "image", "deploy/checkout", image)
        assert "successfully rolled out" in kubectl("rollout", "status", "deploy/checkout", "--timeout=30s")
        assert "checkout:2.4.0" in kubectl("describe", "deploy", "checkout")
        kubectl("rollout", "undo", "deploy/checkout")
        kubectl("scale", "deploy/checkout", "--replicas=2")
        kubectl("label", "deploy/checkout", "tier=front")
        kubectl("patch", "deploy", "checkout", "-p", '{"spec":{"revisionHistoryLimit":5}}')
        assert "READY" in kubectl("get", "pods")
        assert "listening" in kubectl("logs", "deploy/checkout")
        manifest = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"extra"},"data":{"A":"1"}}'
        assert "created" in kubectl("apply", "-f", "-", feed=manifest)
        assert "configured" in kubectl("apply", "-f", "-", feed=manifest.replace('"1"', '"2"'))
        assert "deleted" in kubectl("delete", "configmap", "extra")


@pytest.mark.slow
def test_the_command_prints_its_kubeconfig_and_ends_cleanly() -> None:

    command = [sys.executable, "-m", "kubernaut.sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first, second = process.stdout.readline(), process.stdout.readline()
        assert first.startswith("serving   http://127.0.0.1:")
        assert second.startswith("kubeconfig ")
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=15)
    assert (process.returncode, out, err) == (0, "stopped\n", "")
