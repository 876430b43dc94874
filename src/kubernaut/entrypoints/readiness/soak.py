"""A service that is killed and cut off while alerts come in, and what its database holds in the end.

The service is a process of its own on a database file; its cluster and its model are behind gates that are shut and
opened; another connection takes the database's write lock away. Whoever sends, holds on as Alertmanager does.
"""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from kubernaut.adapters.store import open_store
from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.http.listening import listen
from kubernaut.entrypoints.readiness.crowd import alert_about, break_apps
from kubernaut.entrypoints.readiness.gate import Gate, Mode
from kubernaut.entrypoints.readiness.kept_up import KeptUp
from kubernaut.entrypoints.readiness.sending import Sender, Sent
from kubernaut.sandbox import Sandbox
from kubernaut.sandbox.stand_in import StandIn

_LABEL = "soak"
_APPS = 20
_GRACE_S = 60.0
_SETTLE_S = 30.0
_LOOK_S = 0.2
# Of every cycle of so many seconds; faults never overlap but where that is meant.
_CYCLE_S = 90.0


@dataclass(frozen=True, slots=True)
class Soak:
    """What is done: alerts a second for so long; `program` is the service, to which its settings are handed."""

    seconds: float = 90.0
    rate: float = 45.0
    program: tuple[str, ...] = (sys.executable, "-m", "kubernaut.entrypoints.readiness.soaked_service")


@dataclass(frozen=True, slots=True)
class Soaked:
    """What came of it. `kept` were acknowledged and are in the database; `lost` were acknowledged and are not."""

    seconds: float
    sent: tuple[Sent, ...]
    stored: frozenset[int]
    states: dict[str, int]
    faults: tuple[tuple[str, float], ...]
    starts: int
    events: int
    chain_is_whole: bool
    cpu_s: float

    @property
    def acknowledged(self) -> list[Sent]:
        """Alerts that the sender was told are taken."""
        return [one for one in self.sent if one.acknowledged_s is not None]

    @property
    def lost(self) -> list[int]:
        """The worst: nobody sends these again."""
        return [one.number for one in self.acknowledged if one.number not in self.stored]

    @property
    def kept(self) -> int:
        """Acknowledged, and there."""
        return len(self.acknowledged) - len(self.lost)

    @property
    def at_once(self) -> int:
        """Acknowledged when first sent."""
        return sum(one.attempts == 1 for one in self.acknowledged)

    @property
    def longest_wait_s(self) -> float:
        """From the first sending of an alert to its acknowledgement."""
        return max((one.acknowledged_s - one.at_s for one in self.acknowledged if one.acknowledged_s), default=0.0)


async def run_soak(soak: Soak) -> Soaked:
    """One run on a fresh cluster and a fresh database."""
    cpu = _children_cpu_s()
    with tempfile.TemporaryDirectory(prefix="kubernaut-soak-") as folder:
        database = Path(folder) / "soak.sqlite"
        async with _scene(soak, Path(folder), database) as (scene, alerts):
            begun = time.monotonic()
            async with asyncio.TaskGroup() as group:
                harming = group.create_task(scene.harm(soak.seconds))
                sent = await Sender(scene.service.address, soak.rate).send(alerts, grace_s=_GRACE_S)
                await harming
            seconds = time.monotonic() - begun
            await _settle(database)
        stored, states = await asyncio.to_thread(_stored, database)
        events, whole = await _chain(database)
    return Soaked(
        seconds,
        tuple(sent),
        stored,
        states,
        tuple(scene.told),
        scene.service.starts,
        events,
        whole,
        _children_cpu_s() - cpu,
    )


@asynccontextmanager
async def _scene(soak: Soak, folder: Path, database: Path) -> AsyncIterator[tuple[_Scene, list[JsonObject]]]:
    async with Sandbox(speed=1.0) as sandbox, StandIn(latency_s=0.2) as model:
        apps = break_apps(sandbox.universe, _APPS)
        cluster_port, model_port = urlsplit(sandbox.url).port or 0, urlsplit(model.url).port or 0
        async with Gate(cluster_port) as cluster, Gate(model_port) as models:
            kubeconfig = folder / "kubeconfig"
            text = sandbox.kubeconfig().read_text(encoding="utf-8")
            kubeconfig.write_text(text.replace(f":{cluster_port}", f":{cluster.port}"), encoding="utf-8")
            with listen("127.0.0.1", 0) as free:
                port = int(free.getsockname()[1])
            service = KeptUp(soak.program, _settings(port, database, kubeconfig, models.port), folder / "log")
            alerts = [
                alert_about(apps[number % _APPS], {_LABEL: str(number)})
                for number in range(int(soak.rate * soak.seconds))
            ]
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(service.keep_up())
                try:
                    await service.answers()
                    yield _Scene(service, cluster, models, database), alerts
                finally:
                    await service.end()
                    keeping.cancel()


def _settings(port: int, database: Path, kubeconfig: Path, model: int) -> JsonObject:
    provider: JsonObject = {
        "name": "stand-in",
        "model": "none",
        "endpoint": f"http://127.0.0.1:{model}/v1",
        "timeout_s": 2.0,
    }
    return {
        "http": {"host": "127.0.0.1", "port": port},
        "log": {"level": "error"},
        "store": {"url": f"sqlite:///{database}"},
        "cluster": {"name": "sandbox", "kubeconfig": str(kubeconfig)},
        "policy": {"autonomy": "approve"},
        "models": {"providers": [provider], "ask_below": 1.0, "deadline_s": 4.0},
    }


@dataclass
class _Scene:
    """What can be harmed; `told` are the faults in order, with the second of each."""

    service: KeptUp
    cluster: Gate
    models: Gate
    database: Path
    told: list[tuple[str, float]] = field(default_factory=list)

    async def harm(self, seconds: float) -> None:
        """The faults of each cycle, stretched or pressed so that whole cycles fill the time."""
        cycles = max(1, round(seconds / _CYCLE_S))
        stretch = seconds / (cycles * _CYCLE_S)
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for cycle in range(cycles):
                for at, name, fault in self._faults(min(1.0, stretch)):
                    due = begun + (cycle * _CYCLE_S + at) * stretch
                    group.create_task(self._later(due, begun, name, fault))

    async def _later(self, due: float, begun: float, name: str, fault: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        self.told.append((name, round(time.monotonic() - begun, 1)))
        await fault()

    def _faults(self, press: float) -> list[tuple[float, str, Callable[[], Awaitable[None]]]]:
        shut, kill = self._shut, self._signal
        return [
            (4, "API server gone", lambda: shut(self.cluster, Mode.GONE, 6 * press)),
            (14, "killed with SIGKILL", lambda: kill(signal.SIGKILL)),
            (24, "database refuses writes", lambda: self._lock(8 * press)),
            (38, "API server slow", lambda: shut(self.cluster, Mode.SLOW, 6 * press)),
            (48, "restarted with SIGTERM", lambda: kill(signal.SIGTERM)),
            (54, "model silent", lambda: shut(self.models, Mode.SILENT, 5 * press)),
            (60, "model gone", lambda: shut(self.models, Mode.GONE, 4 * press)),
            (65, "database refuses writes, and then", lambda: self._lock(6 * press)),
            (67, "killed with SIGKILL meanwhile", lambda: kill(signal.SIGKILL)),
            (77, "killed with SIGKILL", lambda: kill(signal.SIGKILL)),
            (78.5, "killed with SIGKILL while it starts", lambda: kill(signal.SIGKILL)),
        ]

    async def _shut(self, gate: Gate, mode: Mode, seconds: float) -> None:
        gate.put(mode)
        await asyncio.sleep(seconds)
        gate.put(Mode.OPEN)

    async def _signal(self, number: signal.Signals) -> None:
        self.service.signal(number)

    async def _lock(self, seconds: float) -> None:
        """Another connection has the write lock, for longer than the service waits for it."""
        with closing(sqlite3.connect(self.database, isolation_level=None, timeout=1.0)) as other:
            # A busy database may not give the lock at once; a fault that could not be made is not told as one.
            while True:
                with suppress(sqlite3.OperationalError):
                    other.execute("BEGIN IMMEDIATE")
                    break
                await asyncio.sleep(0.05)
            await asyncio.sleep(seconds)
            other.execute("ROLLBACK")


async def _settle(database: Path) -> None:
    """Waits, for a while, until no accepted alert waits for its incident."""
    store = open_store(f"sqlite:///{database}")
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                while (await store.signals.backlog()).waiting:  # noqa: ASYNC110  # of another process
                    await asyncio.sleep(_LOOK_S)
    finally:
        store.close()


def _stored(database: Path) -> tuple[frozenset[int], dict[str, int]]:
    """The numbers of the alerts that are there, read past the store's own code; and their states."""
    found, states = set[int](), Counter[str]()
    with closing(sqlite3.connect(database)) as connection:
        for body, state in connection.execute("SELECT body, state FROM signals"):
            found.add(int(json.loads(body)["labels"][_LABEL]))
            states[state] += 1
    return frozenset(found), dict(states)


async def _chain(database: Path) -> tuple[int, bool]:
    store = open_store(f"sqlite:///{database}")
    try:
        checked = await store.event_log.checked()
    finally:
        store.close()
    return checked.events, checked.is_whole


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
