"""A sandbox with a workload in each namespace, all of them rolled to an image that nobody pushed, and their alerts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import httpx2

from kubernaut.domain.objects import JsonObject, ObjectRef
from kubernaut.entrypoints.http.app import ALERTMANAGER_PATH
from kubernaut.sandbox import Sandbox
from kubernaut.sandbox.applications import Application, Listener, Misfortune
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import DEPLOYMENT, NAMESPACE, POD
from kubernaut.sandbox.scenarios.manifests import App, apply_changed, apply_manifest, container_of

_PATIENCE_S = 120
_EVERY_S = 0.1


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Returns once it is so; raises `TimeoutError` where that does not come."""
    async with asyncio.timeout(_PATIENCE_S):
        while not await is_so():
            await asyncio.sleep(_EVERY_S)


@dataclass
class Town:
    """`healing` workloads are well again once they are rolled back; the old program of `failing` ones crashes then."""

    sandbox: Sandbox
    healing: frozenset[str]
    failing: frozenset[str]
    _answered: set[str] = field(default_factory=set)

    @property
    def namespaces(self) -> list[str]:
        return sorted(self.healing | self.failing)

    async def build(self) -> None:
        apps = [_app(namespace) for namespace in self.namespaces]
        for app in apps:
            self._publish(app)
            labels: JsonObject = {"kubernaut.ai/managed": "true"}
            body: JsonObject = {"metadata": {"name": app.namespace, "labels": labels}}
            self.sandbox.cluster.create(NAMESPACE, "", body, By("kubectl-create"))
            apply_manifest(self.sandbox.cluster, app.settings())
            apply_changed(self.sandbox.cluster, app, _without_probes)
        await self._until_pods(lambda reasons: reasons == ["ready"])
        for app in apps:
            apply_changed(self.sandbox.cluster, app, _mistype)
        await self._until_pods(lambda reasons: "ImagePullBackOff" in reasons)

    async def tell(self, client: httpx2.AsyncClient, namespaces: Iterable[str], *, status: str = "firing") -> None:
        """Sends the alerts in one message, again and again until it is taken."""
        body: JsonObject = {"version": "4", "alerts": [_alert(namespace, status) for namespace in namespaces]}

        async def is_taken() -> bool:
            return (await client.post(ALERTMANAGER_PATH, json=body)).is_success

        await until(is_taken)

    async def live(self, client: httpx2.AsyncClient) -> None:
        """What the world does after a rollback, for as long as it is let: alerts are resolved, or programs crash."""
        while True:
            written = {write.namespace for write in self.sandbox.cluster.writes_by("kubernaut")}
            for namespace in sorted(written - self._answered):
                await self._answer(client, namespace)
                self._answered.add(namespace)
            await asyncio.sleep(_EVERY_S)

    def writes(self, namespace: str) -> int:
        """How many changes the service made there, dry runs left out."""
        return sum(write.namespace == namespace for write in self.sandbox.cluster.writes_by("kubernaut"))

    def runs_the_old_image(self, namespace: str) -> bool:
        """What the Deployment asks for now."""
        found = self.sandbox.cluster.find(DEPLOYMENT, namespace, "shop")
        assert found is not None
        return found.trees("spec", "template", "spec", "containers")[0].text("image") == _app(namespace).image

    def target(self, namespace: str) -> ObjectRef:
        """What its incident is about."""
        return ObjectRef("apps/v1", "Deployment", namespace, "shop")

    async def _answer(self, client: httpx2.AsyncClient, namespace: str) -> None:
        if namespace in self.healing:
            await self.tell(client, [namespace], status="resolved")
        else:
            crash = Misfortune(self.sandbox.clock.now(), exit_code=2, after_s=1.0)
            self.sandbox.universe.strike(_app(namespace).image, crash)

    def _publish(self, app: App) -> None:
        program = Application(listeners=(Listener(8080),), flags=frozenset({"--listen"}))
        self.sandbox.universe.world.publish({app.image: program})

    async def _until_pods(self, are_so: Callable[[list[str]], bool]) -> None:
        async def all_are_so() -> bool:
            return all(are_so(self._pods(namespace)) for namespace in self.namespaces)

        await until(all_are_so)

    def _pods(self, namespace: str) -> list[str]:
        statuses = [
            status
            for pod in self.sandbox.cluster.storage.views(POD, namespace)
            for status in pod.trees("status", "containerStatuses")
        ]
        return ["ready" if each.flag("ready") else each.text("state", "waiting", "reason") for each in statuses]


def _app(namespace: str) -> App:
    return App(namespace, "shop", replicas=1)


def _without_probes(manifest: JsonObject) -> None:
    container_of(manifest).pop("readinessProbe")
    container_of(manifest).pop("livenessProbe")


def _mistype(manifest: JsonObject) -> None:
    _without_probes(manifest)
    container_of(manifest)["image"] = f"{container_of(manifest)['image']}9"


def _alert(namespace: str, status: str) -> JsonObject:
    return {
        "status": status,
        "labels": {
            "alertname": "KubeDeploymentReplicasMismatch",
            "namespace": namespace,
            "deployment": "shop",
            "severity": "warning",
        },
        "annotations": {},
        "startsAt": "2026-03-04T11:45:00Z",
        "endsAt": "2026-03-04T11:55:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
    }
