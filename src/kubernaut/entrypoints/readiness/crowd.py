"""Alerts sent over HTTP to a whole service on a simulated cluster: alone, and a hundred at once.

The clock starts before the request's first byte and stops when a reader of the database first sees the decision. The
cluster, the service and the sender share this process, so the figures are on the safe side.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from types import MappingProxyType

import httpx2

from kubernaut.domain.journal import EventKind
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.entrypoints.http.app import ALERTMANAGER_PATH
from kubernaut.entrypoints.http.listening import listen
from kubernaut.entrypoints.readiness.rehearsed import all_events
from kubernaut.entrypoints.serving import serving
from kubernaut.ports import IncidentFilter, IncidentStore
from kubernaut.sandbox import Sandbox
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import NAMESPACE
from kubernaut.sandbox.scenarios.manifests import App, apply_manifest
from kubernaut.sandbox.universe import Universe
from kubernaut.settings import Settings

AT_ONCE = 100
ALONE = 15
_WARM = 3
_RATE = 20
_POLL_S = 0.003
_PATIENCE_S = 60.0
_ACCEPTED = 202
_NAMESPACES = 10
_KILOBYTES = 1024
_DEAD_MODEL = "http://127.0.0.1:9/v1"


@dataclass(frozen=True, slots=True)
class Crowd:
    """Seconds from an alert's first byte to its stored decision; `incidents` is what the database has at the end."""

    sent: int
    accepted: int
    stored: int
    incidents: int
    alone_s: tuple[float, ...]
    crowd_s: tuple[float, ...]
    undecided: int
    cpu_share: float
    memory_mb: float
    asked_model: int

    @property
    def degradation(self) -> float | None:
        """(median in the crowd - median alone) / median alone."""
        if not self.alone_s or not self.crowd_s:
            return None
        alone = statistics.median(self.alone_s)
        return (statistics.median(self.crowd_s) - alone) / alone


async def send_crowd(*, dead_model: bool = False) -> Crowd:
    """One run on a fresh cluster and a fresh database; `dead_model` sets a model that does not answer."""
    with tempfile.TemporaryDirectory(prefix="kubernaut-readiness-") as folder, listen("127.0.0.1", 0) as listener:
        async with Sandbox(speed=1.0) as sandbox:
            apps = break_apps(sandbox.universe, _WARM + ALONE + AT_ONCE)
            tree: dict[str, object] = {
                "store": {"url": f"sqlite:///{Path(folder) / 'crowd.sqlite'}"},
                "cluster": {"name": "sandbox", "kubeconfig": str(sandbox.kubeconfig())},
                "policy": {"patience_s": 0, "autonomy": "approve"},
            }
            if dead_model:
                dead = {"name": "dead", "endpoint": _DEAD_MODEL, "model": "none", "timeout_s": 2.0}
                tree["models"] = {"providers": [dead], "ask_below": 1.0, "deadline_s": 2.0}
            async with serving(Settings.model_validate(tree), listener) as service:
                address = f"http://127.0.0.1:{listener.getsockname()[1]}"
                async with httpx2.AsyncClient(base_url=address, timeout=_PATIENCE_S, trust_env=False) as client:
                    return await _Sending(client, service.outside.store.incidents).run(apps)


@dataclass(slots=True)
class _Sending:
    client: httpx2.AsyncClient
    incidents: IncidentStore
    accepted: int = 0

    async def run(self, apps: Sequence[App]) -> Crowd:
        for app in apps[:_WARM]:
            await self._one(app)
        alone = [await self._one(app) for app in apps[_WARM : _WARM + ALONE]]
        begun, cpu = time.perf_counter(), time.process_time()
        crowd = await self._many(apps[_WARM + ALONE :])
        cpu_share = (time.process_time() - cpu) / (time.perf_counter() - begun) / (cpu_count() or 1)
        events = await all_events(self.incidents)
        told = [event for event in events if event.kind in {EventKind.RECEIVED, EventKind.JOINED}]
        decided = [seconds for seconds in (*alone, *crowd) if seconds is not None]
        return Crowd(
            sent=len(apps),
            accepted=self.accepted,
            stored=len(told),
            incidents=await self.incidents.count(IncidentFilter()),
            alone_s=tuple(seconds for seconds in alone if seconds is not None),
            crowd_s=tuple(seconds for seconds in crowd if seconds is not None),
            undecided=ALONE + AT_ONCE - len(decided),
            cpu_share=cpu_share,
            memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KILOBYTES,
            asked_model=sum(event.kind is EventKind.MODEL_ASKED for event in events),
        )

    async def _one(self, app: App) -> float | None:
        begun = time.perf_counter()
        await self._send(app)
        decided = await self._decided([app], {app.name: begun})
        return decided.get(app.name)

    async def _many(self, apps: Sequence[App]) -> list[float | None]:
        """An open loop: arrivals do not wait for decisions."""
        begun: dict[str, float] = {}

        async def send(app: App, after: float) -> None:
            await asyncio.sleep(after)
            begun[app.name] = time.perf_counter()
            await self._send(app)

        async with asyncio.TaskGroup() as group:
            for number, app in enumerate(apps):
                group.create_task(send(app, number / _RATE))
            watching = group.create_task(self._decided(apps, begun))
        decided = watching.result()
        return [decided.get(app.name) for app in apps]

    async def _send(self, app: App) -> None:
        answer = await self.client.post(ALERTMANAGER_PATH, json=alert_about(app))
        self.accepted += answer.status_code == _ACCEPTED

    async def _decided(self, apps: Sequence[App], begun: dict[str, float]) -> dict[str, float]:
        """Seconds from the start of each to the sight of its decision in the database."""
        wanted, found, names = {app.name for app in apps}, dict[str, float](), dict[str, str]()
        after, end = 0, time.perf_counter() + _PATIENCE_S
        while wanted - set(found) and time.perf_counter() < end:
            for event in await self.incidents.events(after=after, limit=1000):
                after = event.seq
                opened = event.body.get("opened")
                if isinstance(opened, dict) and isinstance(opened["target"], dict):
                    names[event.incident] = str(opened["target"]["name"])
                name = names.get(event.incident, "")
                if event.kind is EventKind.PLANNED and name in wanted and name in begun:
                    found.setdefault(name, time.perf_counter() - begun[name])
            await asyncio.sleep(_POLL_S)
        return found


def break_apps(universe: Universe, count: int) -> list[App]:
    """Deployments whose image nobody published, in namespaces that ask for consent: they are decided, not mended."""
    labels: JsonObject = {"kubernaut.ai/managed": "true", "kubernaut.ai/autonomy": "approve"}
    for number in range(_NAMESPACES):
        metadata: JsonObject = {"name": f"team-{number}", "labels": {**labels}}
        universe.cluster.create(NAMESPACE, "", {"metadata": metadata}, By("kubectl-create"))
    apps = [App(f"team-{number % _NAMESPACES}", f"app-{number}", "9.9.9", replicas=1) for number in range(count)]
    for app in apps:
        apply_manifest(universe.cluster, app.settings())
        apply_manifest(universe.cluster, app.deployment())
    return apps


def alert_about(app: App, more: Mapping[str, Json] = MappingProxyType({})) -> JsonObject:
    """The message of Alertmanager about that Deployment, with `more` labels."""
    labels: JsonObject = {
        "alertname": "KubeDeploymentReplicasMismatch", "namespace": app.namespace, "deployment": app.name,
        "severity": "warning", **more,
    }  # fmt: skip
    alert: JsonObject = {
        "status": "firing", "labels": labels, "annotations": {}, "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "",
    }  # fmt: skip
    return {"version": "4", "groupKey": app.name, "status": "firing", "receiver": "kubernaut", "groupLabels": {},
            "commonLabels": {**labels}, "commonAnnotations": {}, "externalURL": "", "alerts": [alert]}  # fmt: skip
