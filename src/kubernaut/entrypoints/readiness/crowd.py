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
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import accumulate
from os import cpu_count, sysconf
from pathlib import Path
from types import MappingProxyType

import httpx2
import numpy as np

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
from kubernaut.sandbox.stand_in import StandIn
from kubernaut.sandbox.universe import Universe
from kubernaut.settings import Settings

AT_ONCE = 100
ALONE = 15
_WARM = 3
_POLL_S = 0.003
_PATIENCE_S = 60.0
_ACCEPTED = 202
_NAMESPACES = 10
_KILOBYTES = 1024
_DRAWS = 2000
_DEAD_MODEL = "http://127.0.0.1:9/v1"


@dataclass(frozen=True, slots=True)
class Crowding:
    """What is sent: so many alerts one after the other, then a crowd of so many, `rate` a second whatever the replies.

    `model_s` sets a stand-in for a language model that takes so long; `dead_model` one that does not answer.
    """

    alone: int = ALONE
    at_once: int = AT_ONCE
    rate: float = 20.0
    model_s: float | None = None
    dead_model: bool = False


USUAL = Crowding()
DEAD = Crowding(dead_model=True)
# A model of three seconds asked 40 times a second: all hundred wait at the same time.
THINKING = Crowding(alone=5, rate=40.0, model_s=3.0)
BY_LATENCY = tuple(Crowding(alone=0, at_once=20, model_s=seconds) for seconds in (0.0, 1.0, 3.0))


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
    memory_share: float = 0.0
    in_flight: int = 0

    @property
    def degradation(self) -> tuple[float, float, float] | None:
        """(median in the crowd - median alone) / median alone, with its 95 % bootstrap interval; None of nothing."""
        if not self.alone_s or not self.crowd_s:
            return None
        chance = np.random.default_rng(1)
        one, many = (
            np.median(chance.choice(times, (_DRAWS, len(times))), axis=1) for times in (self.alone_s, self.crowd_s)
        )
        low, high = np.quantile(many / one - 1, [0.025, 0.975])
        alone = statistics.median(self.alone_s)
        return (statistics.median(self.crowd_s) - alone) / alone, float(low), float(high)


async def send_crowd(crowding: Crowding = USUAL) -> Crowd:
    """One run on a fresh cluster and a fresh database."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kubernaut-readiness-"))
        listener = stack.enter_context(listen("127.0.0.1", 0))
        sandbox = await stack.enter_async_context(Sandbox(speed=1.0))
        apps = break_apps(sandbox.universe, _WARM + crowding.alone + crowding.at_once)
        tree: dict[str, object] = {
            "store": {"url": f"sqlite:///{Path(folder) / 'crowd.sqlite'}"},
            "cluster": {"name": "sandbox", "kubeconfig": str(sandbox.kubeconfig())},
            "policy": {"patience_s": 0, "autonomy": "approve"},
        }
        if crowding.dead_model:
            dead = {"name": "dead", "endpoint": _DEAD_MODEL, "model": "none", "timeout_s": 2.0}
            tree["models"] = {"providers": [dead], "ask_below": 1.0, "deadline_s": 2.0}
        elif crowding.model_s is not None:
            model = await stack.enter_async_context(StandIn(latency_s=crowding.model_s))
            tree["models"] = {
                "providers": [{"name": "stand-in", "endpoint": model.url, "model": "none"}],
                "ask_below": 1.0,
            }
        service = await stack.enter_async_context(serving(Settings.model_validate(tree), listener))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = httpx2.AsyncClient(base_url=address, timeout=_PATIENCE_S, trust_env=False)
        await stack.enter_async_context(client)
        return await _Sending(client, service.outside.store.incidents, crowding).run(apps)


@dataclass(slots=True)
class _Sending:
    client: httpx2.AsyncClient
    incidents: IncidentStore
    crowding: Crowding
    accepted: int = 0
    in_flight: int = 0

    async def run(self, apps: Sequence[App]) -> Crowd:
        for app in apps[:_WARM]:
            await self._one(app)
        alone = [await self._one(app) for app in apps[_WARM : _WARM + self.crowding.alone]]
        begun, cpu = time.perf_counter(), time.process_time()
        crowd = await self._many(apps[_WARM + self.crowding.alone :])
        cpu_share = (time.process_time() - cpu) / (time.perf_counter() - begun) / (cpu_count() or 1)
        events = await all_events(self.incidents)
        told = [event for event in events if event.kind in {EventKind.RECEIVED, EventKind.JOINED}]
        decided = [seconds for seconds in (*alone, *crowd) if seconds is not None]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KILOBYTES
        return Crowd(
            sent=len(apps),
            accepted=self.accepted,
            stored=len(told),
            incidents=await self.incidents.count(IncidentFilter()),
            alone_s=tuple(seconds for seconds in alone if seconds is not None),
            crowd_s=tuple(seconds for seconds in crowd if seconds is not None),
            undecided=self.crowding.alone + self.crowding.at_once - len(decided),
            cpu_share=cpu_share,
            memory_mb=peak / _KILOBYTES**2,
            asked_model=sum(event.kind is EventKind.MODEL_ASKED for event in events),
            in_flight=self.in_flight,
            memory_share=peak / (sysconf("SC_PAGE_SIZE") * sysconf("SC_PHYS_PAGES")),
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
                group.create_task(send(app, number / self.crowding.rate))
            watching = group.create_task(self._decided(apps, begun))
        decided = watching.result()
        self.in_flight = most_at_once([(at, at + decided[name]) for name, at in begun.items() if name in decided])
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


def most_at_once(spans: Sequence[tuple[float, float]]) -> int:
    """How many of these spans of time lie over each other at the most."""
    steps = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
    return max(accumulate((step for _, step in steps), initial=0))


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
