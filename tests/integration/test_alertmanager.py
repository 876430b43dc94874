"""A real Alertmanager, which keeps and resends what we could not store."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.adapters.store import Store, open_store
from kubernaut.domain.errors import StoreUnavailable
from kubernaut.domain.signals import Signal
from kubernaut.entrypoints.http.app import ALERTMANAGER_PATH
from tests.postgres import free_port
from tests.serving import memory_parts, serving

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(PROGRAM is None, reason="no Alertmanager here (apt-get install prometheus-alertmanager)"),
]
PATIENCE_S = 60


class Interrupted:
    """A store that fails the first few times, as one whose database is being restarted, and then really stores."""

    def __init__(self, store: Store, *, failures: int) -> None:
        self._store = store
        self.left = failures

    async def accept(self, signals: Sequence[Signal]) -> None:
        if self.left:
            self.left -= 1
            raise StoreUnavailable("the database is being restarted")
        await self._store.signals.accept(signals)

    async def waiting(self, limit: int) -> list[Signal]:
        return await self._store.signals.waiting(limit)

    async def set_aside(self, signal: str, *, reason: str, at: datetime) -> None:
        raise NotImplementedError


@asynccontextmanager
async def alertmanager(files: Path, webhook: str, *, token: str) -> AsyncIterator[httpx2.AsyncClient]:
    """Its v2 API; it sends to our webhook, each alert name as a group of its own."""
    port = free_port()
    receiver = {
        "name": "kubernaut",
        "webhook_configs": [
            {
                "url": webhook,
                "send_resolved": True,
                "http_config": {"authorization": {"type": "Bearer", "credentials": token}},
            }
        ],
    }
    timing = {"group_wait": "100ms", "group_interval": "1s", "repeat_interval": "1h"}
    config = {"route": {"receiver": "kubernaut", "group_by": ["alertname"], **timing}, "receivers": [receiver]}
    (files / "config.yml").write_text(json.dumps(config))
    command = [
        str(PROGRAM),
        f"--config.file={files}/config.yml",
        f"--storage.path={files}/state",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (files / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, cwd=files)
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            await _until(lambda: _is_ready(client), process)
            yield client
    finally:
        process.terminate()
        await process.wait()


async def test_alertmanager_resends_until_every_alert_is_stored_and_none_is_lost(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/kubernaut.db")
    meter = MemoryMeter()
    inbox = Interrupted(store, failures=6)
    parts = replace(memory_parts(MemorySignalStore(), meter=meter), signals=inbox, token="t0ken")
    names = [f"Alert{number}" for number in range(4)]
    pods = [f"pod-{number}" for number in range(5)]

    async with serving(parts) as address, alertmanager(tmp_path, address + ALERTMANAGER_PATH, token="t0ken") as api:
        await _post(api, names, pods, ends_in=timedelta(minutes=10))
        await _until_kept(store, firing=True, count=20)
        await _post(api, names, pods, ends_in=timedelta(seconds=-1))
        await _until_kept(store, firing=False, count=20)

    assert inbox.left == 0
    assert meter.total("intake_refused", status="503") == 6
    kept = await store.signals.waiting(1000)
    for firing in (True, False):
        instances = {(s.name, s.labels["pod"]) for s in kept if s.firing is firing}
        assert instances == {(name, pod) for name in names for pod in pods}
    by_instance = {(s.name, s.labels["pod"]): s.alert_key for s in kept if s.firing}
    assert all(by_instance[s.name, s.labels["pod"]] == s.alert_key for s in kept)
    assert all(s.ends_at is not None for s in kept if not s.firing)
    store.close()


async def _post(api: httpx2.AsyncClient, names: list[str], pods: list[str], *, ends_in: timedelta) -> None:
    now = datetime.now(UTC)
    alerts = [
        {
            "labels": {"alertname": name, "namespace": "shop", "pod": pod, "severity": "warning"},
            "annotations": {"summary": "it is not ready"},
            "startsAt": (now - timedelta(minutes=5)).isoformat(),
            "endsAt": (now + ends_in).isoformat(),
        }
        for name in names
        for pod in pods
    ]
    response = await api.post("/api/v2/alerts", json=alerts)
    assert response.status_code == 200, response.text


async def _until_kept(store: Store, *, firing: bool, count: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            kept = await store.signals.waiting(10_000)
            if len({s.alert_key for s in kept if s.firing is firing}) >= count:
                return
            await asyncio.sleep(0.1)


async def _is_ready(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/-/ready")).status_code == 200
    except httpx2.TransportError:
        return False


async def _until(condition: Callable[[], Awaitable[bool]], process: asyncio.subprocess.Process) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not await condition():
        assert process.returncode is None
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
