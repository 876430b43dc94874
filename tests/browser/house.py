"""The whole service on a simulated cluster, with thousands of incidents behind it, for a browser to visit."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bench.past import fill
from kubernaut.adapters.store import open_store
from kubernaut.domain.incidents import Incident, IncidentId
from kubernaut.domain.learning import Pattern
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.http.app import ALERTMANAGER_PATH
from kubernaut.entrypoints.logs import configure_logs
from kubernaut.entrypoints.serving import serving
from kubernaut.ports import IncidentFilter
from kubernaut.sandbox import AlertPolicy, Sandbox
from kubernaut.sandbox.cluster import By
from kubernaut.sandbox.kinds import NAMESPACE
from kubernaut.sandbox.scenarios import SCENARIOS, prepare_system
from kubernaut.sandbox.scenarios.system import APPS, AUTONOMY, MANAGED
from kubernaut.settings import LogSettings, Settings
from kubernaut.wiring import Service
from tests.browser.threads import on_a_thread

INCIDENTS = 3_000
LESSONS = (
    (
        "KubePodCrashLooping\ncontainer exits with code 1 since a flag was added",
        "crash_after_change",
        "rollback_deployment",
    ),
    (
        "KubernetesContainerOomKiller\nthe memory limit is lower than the program needs",
        "memory_limit_too_low",
        "increase_memory_limit",
    ),
    ("KubePodNotReady\nthe image has a tag that nobody pushed", "image_not_found", "rollback_deployment"),
    (
        "KubeServiceWithoutEndpoints\nthe selector of the service matches no pod",
        "service_selector_mismatch",
        "fix_service_selector",
    ),
    (
        "KubePodNotReady\nthe readiness probe asks a port where nobody listens",
        "probe_wrong_port",
        "rollback_deployment",
    ),
)
APPS_USED = ("ledger", "levels", "storefront")
SPEED = 60.0
_PATIENCE_S = 60
# All incidents are written first.
_OPENING_S = 300
_ALERTS = {"hold": 30, "every": 15, "group_wait": 5, "group_interval": 15, "repeat_interval": 600}


@dataclass
class House:
    """An address, and what happens behind it; the service runs on a thread of its own."""

    address: str
    loop: asyncio.AbstractEventLoop
    sandbox: Sandbox
    service: Service

    def break_something(self, scenario: str) -> None:
        """Puts a fault of the demo into the cluster."""
        chosen = next(one for one in SCENARIOS if one.name == scenario)
        self._there(lambda: chosen.inject(self.sandbox.universe)).result(_PATIENCE_S)

    def incidents(self, wanted: IncidentFilter) -> list[Incident]:
        """What the store holds."""
        found = asyncio.run_coroutine_threadsafe(self.service.outside.store.incidents.find(wanted), self.loop)
        return found.result(_PATIENCE_S)

    def wait_for_question(self, name: str) -> str:
        """The id of the incident of that workload once it asks for consent."""
        for _ in range(10 * _PATIENCE_S):
            for one in self.incidents(IncidentFilter(phase=Phase.APPROVAL)):
                if one.target.name == name:
                    return str(one.id)
            time.sleep(0.1)
        raise TimeoutError(f"no incident of {name} asks for consent")

    def _there(self, work: Callable[[], None]) -> Future[None]:
        async def run() -> None:
            work()

        return asyncio.run_coroutine_threadsafe(run(), self.loop)


@contextmanager
def open_house(folder: Path) -> Iterator[House]:
    """A house whose cluster is well; every action in it needs consent."""
    configure_logs(LogSettings(level="error"))
    with on_a_thread("house", _furnished(folder), opening_s=_OPENING_S, closing_s=_PATIENCE_S) as house:
        yield house


@asynccontextmanager
async def _furnished(folder: Path) -> AsyncIterator[House]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        spans = {name: timedelta(seconds=seconds) for name, seconds in _ALERTS.items()}
        async with Sandbox(speed=SPEED, alerts=AlertPolicy(f"{address}{ALERTMANAGER_PATH}", **spans)) as sandbox:
            settings = _settings(folder, sandbox)
            store = open_store(settings.store.url)
            fill(store, INCIDENTS, now=sandbox.clock.now(), waiting=0)
            store.close()
            _prepare(sandbox)
            async with serving(settings, listener, clock=sandbox.clock, pace=SPEED) as service:
                await _remember(service, sandbox.clock.now())
                yield House(address, asyncio.get_running_loop(), sandbox, service)


def _prepare(sandbox: Sandbox) -> None:
    """Three teams, in whose namespaces every action needs consent."""
    for name in APPS_USED:
        labels: JsonObject = {MANAGED: "true", AUTONOMY: "approve"}
        body: JsonObject = {"metadata": {"name": APPS[name].namespace, "labels": labels}}
        sandbox.cluster.create(NAMESPACE, "", body, By("kubectl-create"))
    prepare_system(sandbox.universe, *APPS_USED)


async def _remember(service: Service, at: datetime) -> None:
    """A few finished incidents as they are remembered."""
    learning = service.stages.learning
    texts = [text for text, _, _ in LESSONS]
    vectors = await learning.embedder.embed(texts)
    for number, ((text, cause, action), vector) in enumerate(zip(LESSONS, vectors, strict=True)):
        name, embedder = IncidentId(f"inc-{number:06x}"), learning.embedder.name
        pattern = Pattern(name, text, cause, action, Ending.HEALED, 74.0, at, embedder, tuple(vector))
        await learning.patterns.add([pattern])


def _settings(folder: Path, sandbox: Sandbox) -> Settings:
    return Settings.model_validate(
        {
            "store": {"url": f"sqlite:///{folder / 'house.sqlite'}"},
            "cluster": {"name": "sandbox", "kubeconfig": str(sandbox.kubeconfig())},
            "policy": {"autonomy": "approve", "approval_s": 86_400.0, "recheck_s": 45.0, "patience_s": 60.0},
            "verification": {"window_s": 60.0, "interval_s": 10.0, "deadline_s": 300.0},
            "value": {
                "minutes_by_hand": "25-42-70",
                "wage_usd_per_hour": "50-70-90",
                "cost_usd_per_month": 500,
                "model_usd_per_million_tokens": 2,
            },
            "notify": {"webhook_url": None},
        }
    )
