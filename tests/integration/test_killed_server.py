"""The server process is killed while alerts come in: what it acknowledged must be in the database."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import httpx2

from kubernaut.adapters.store import open_store
from kubernaut.entrypoints.http.app import ALERTMANAGER_PATH
from tests.contract.conftest import database_url

__all__ = ["database_url"]

SERVER = Path(__file__).parents[2] / "bench" / "intake_server.py"
CONNECTIONS = 8
BEFORE_THE_KILL = 300


def a_webhook(name: str) -> dict[str, object]:
    alert = {"status": "firing", "labels": {"alertname": name}, "startsAt": "2026-03-04T11:45:00Z"}
    return {"version": "4", "alerts": [alert]}


async def test_every_alert_acknowledged_before_a_kill_is_in_the_database(database_url: str) -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, str(SERVER), database_url, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    port = int(await server.stdout.readline())
    acknowledged: set[str] = set()

    async def send(connection: int) -> None:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            for number in range(10_000):
                name = f"Alert{connection}-{number}"
                try:
                    response = await client.post(ALERTMANAGER_PATH, json=a_webhook(name))
                except httpx2.TransportError:
                    return
                assert response.status_code == 202
                acknowledged.add(name)
                if len(acknowledged) == BEFORE_THE_KILL:
                    server.kill()

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for connection in range(CONNECTIONS):
            group.create_task(send(connection))
    await server.wait()

    store = open_store(database_url)
    kept = {signal.name for signal in await store.signals.waiting(100_000)}
    store.close()
    assert len(acknowledged) >= BEFORE_THE_KILL
    assert acknowledged <= kept
