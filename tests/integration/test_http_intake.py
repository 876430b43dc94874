from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.adapters.store import open_store
from kubernaut.entrypoints.http.app import ALERTMANAGER_PATH, EVENT_PATH, HttpParts
from kubernaut.entrypoints.http.bodies import BodyLimits
from tests.serving import memory_parts, serving

ALERT = {
    "status": "firing",
    "labels": {"alertname": "KubePodNotReady", "namespace": "shop", "pod": "checkout-1"},
    "annotations": {},
    "startsAt": "2026-03-04T11:45:00Z",
    "endsAt": "0001-01-01T00:00:00Z",
}
WEBHOOK = {"version": "4", "alerts": [ALERT, {**ALERT, "status": "resolved"}]}
EVENT = {
    "apiVersion": "v1",
    "kind": "Event",
    "type": "Warning",
    "reason": "BackOff",
    "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "checkout-1"},
}
JSON = {"content-type": "application/json"}


@pytest.fixture
def inbox() -> MemorySignalStore:
    return MemorySignalStore()


@pytest.fixture
def meter() -> MemoryMeter:
    return MemoryMeter()


@pytest.fixture
def parts(inbox: MemorySignalStore, meter: MemoryMeter) -> HttpParts:
    return memory_parts(inbox, meter=meter)


@pytest.fixture
async def client(parts: HttpParts) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(parts) as address, httpx2.AsyncClient(base_url=address, trust_env=False) as client:
        yield client


def problem(response: httpx2.Response, status: int) -> dict[str, str]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    said: dict[str, str] = response.json()
    assert said["title"]
    assert said["type"].startswith("urn:kubernaut:problem:")
    return said


async def test_every_alert_of_a_webhook_is_stored_and_counted(
    client: httpx2.AsyncClient, inbox: MemorySignalStore, meter: MemoryMeter
) -> None:
    response = await client.post(ALERTMANAGER_PATH, json=WEBHOOK)

    assert response.status_code == 202
    assert response.json() == {"accepted": 2}
    assert [signal.firing for signal in await inbox.waiting(10)] == [True, False]
    assert meter.total("signals_accepted", source="alertmanager") == 2


async def test_a_kubernetes_event_is_stored(client: httpx2.AsyncClient, inbox: MemorySignalStore) -> None:
    response = await client.post(EVENT_PATH, json=EVENT)

    assert response.json() == {"accepted": 1}
    [signal] = await inbox.waiting(10)
    assert signal.labels["pod"] == "checkout-1"


async def test_the_dispatcher_is_woken_after_the_commit(parts: HttpParts, inbox: MemorySignalStore) -> None:
    stored_when_woken: list[int] = []
    watched = replace(parts, on_accepted=lambda: stored_when_woken.append(len(inbox.received)))

    async with serving(watched) as address, httpx2.AsyncClient(base_url=address, trust_env=False) as client:
        await client.post(ALERTMANAGER_PATH, json=WEBHOOK)

    assert stored_when_woken == [2]


async def test_alerts_that_alertmanager_cut_off_are_told_back(client: httpx2.AsyncClient) -> None:
    response = await client.post(ALERTMANAGER_PATH, json={**WEBHOOK, "truncatedAlerts": 3})

    assert response.json() == {"accepted": 2, "left_out": 3}


async def test_a_store_that_cannot_commit_is_answered_503_and_nothing_is_acknowledged(
    client: httpx2.AsyncClient, inbox: MemorySignalStore
) -> None:
    inbox.failing = True
    response = await client.post(ALERTMANAGER_PATH, json=WEBHOOK)
    assert "cannot commit" in problem(response, 503)["detail"]
    assert int(response.headers["retry-after"]) > 0

    inbox.failing = False
    assert (await client.post(ALERTMANAGER_PATH, json=WEBHOOK)).status_code == 202


async def test_a_malformed_body_is_refused_with_the_field(client: httpx2.AsyncClient, meter: MemoryMeter) -> None:
    wrong = {"version": "4", "alerts": [ALERT, {**ALERT, "status": "odd"}]}

    said = problem(await client.post(ALERTMANAGER_PATH, json=wrong), 400)

    assert "alerts[1].status" in said["detail"]
    assert said["help"]
    assert meter.total("intake_refused", status="400") == 1


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/x-www-form-urlencoded", "application/jsonx"])
async def test_a_body_that_is_not_called_json_is_refused(client: httpx2.AsyncClient, content_type: str) -> None:
    headers = {"content-type": content_type}

    said = problem(await client.post(ALERTMANAGER_PATH, content=json.dumps(WEBHOOK), headers=headers), 415)

    assert "application/json" in said["help"]


async def test_json_with_a_charset_is_json(client: httpx2.AsyncClient) -> None:
    headers = {"content-type": "Application/JSON; charset=utf-8"}

    assert (await client.post(ALERTMANAGER_PATH, content=json.dumps(WEBHOOK), headers=headers)).status_code == 202


async def test_an_encoded_body_is_refused(client: httpx2.AsyncClient) -> None:
    headers = {**JSON, "content-encoding": "gzip"}

    problem(await client.post(ALERTMANAGER_PATH, content=b"\x1f\x8b", headers=headers), 415)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_only_post_is_taken(client: httpx2.AsyncClient, method: str) -> None:
    response = await client.request(method, ALERTMANAGER_PATH)

    problem(response, 405)
    assert response.headers["allow"] == "POST"


async def test_a_body_that_announces_too_much_is_refused_before_it_is_sent(client: httpx2.AsyncClient) -> None:
    response = await client.post(ALERTMANAGER_PATH, content=b" " * (8 * 2**20 + 1), headers=JSON)

    problem(response, 413)


async def test_a_body_streamed_without_length_is_cut_at_the_limit(parts: HttpParts, inbox: MemorySignalStore) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"version": "4", "alerts": ['
        for _ in range(200):
            yield b" " * 1000

    small = replace(parts, body_limits=BodyLimits(body_bytes=100_000))
    async with serving(small) as address, httpx2.AsyncClient(base_url=address, trust_env=False) as client:
        problem(await client.post(ALERTMANAGER_PATH, content=endless(), headers=JSON), 413)

    assert inbox.received == {}


async def test_a_streamed_body_of_nearly_the_limit_is_taken_whole(
    client: httpx2.AsyncClient, inbox: MemorySignalStore
) -> None:
    many = [{**ALERT, "labels": {"alertname": "A", "number": str(n), "note": "x" * 800}} for n in range(8000)]
    body = json.dumps({"version": "4", "alerts": many}).encode()
    assert 7 * 2**20 < len(body) <= 8 * 2**20

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 60_000):
            yield body[start : start + 60_000]

    response = await client.post(ALERTMANAGER_PATH, content=pieces(), headers=JSON, timeout=30)

    assert response.json() == {"accepted": 8000}
    assert len(inbox.received) == 8000


async def test_bodies_that_together_take_too_much_memory_are_asked_to_come_back(parts: HttpParts) -> None:
    tight = replace(parts, body_limits=BodyLimits(body_bytes=10_000, together_bytes=5_000))

    async with serving(tight) as address, httpx2.AsyncClient(base_url=address, trust_env=False) as client:
        refused = await client.post(ALERTMANAGER_PATH, content=b" " * 6_000, headers=JSON)
        problem(refused, 503)
        assert refused.headers["retry-after"]
        assert (await client.post(ALERTMANAGER_PATH, json=WEBHOOK)).status_code == 202


@pytest.mark.parametrize("sent", [None, "Bearer wrong", "Bearer", "Basic c2VjcmV0", "secret", "Bearer secret2"])
async def test_without_the_right_token_nothing_is_taken(
    parts: HttpParts, inbox: MemorySignalStore, sent: str | None
) -> None:
    headers = {} if sent is None else {"authorization": sent}

    guarded = replace(parts, token="secret")
    async with serving(guarded) as address, httpx2.AsyncClient(base_url=address, trust_env=False) as client:
        refused = await client.post(ALERTMANAGER_PATH, json=WEBHOOK, headers=headers)
        problem(refused, 401)
        assert refused.headers["www-authenticate"].startswith("Bearer")
        problem(await client.get("/api/v1/incidents", headers=headers), 401)
        assert (await client.get("/healthz")).status_code == 200

    assert inbox.received == {}


async def test_with_the_right_token_alerts_are_taken(parts: HttpParts) -> None:
    guarded = replace(parts, token="secret")
    async with serving(guarded) as address, httpx2.AsyncClient(base_url=address, trust_env=False) as client:
        response = await client.post(ALERTMANAGER_PATH, json=WEBHOOK, headers={"authorization": "bearer secret"})

    assert response.status_code == 202


async def test_a_page_of_another_site_cannot_send_alerts_from_a_browser(client: httpx2.AsyncClient) -> None:
    problem(await client.post(ALERTMANAGER_PATH, json=WEBHOOK, headers={"sec-fetch-site": "cross-site"}), 403)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /api/v1/alerts/alertmanager HTTP/1.1\r\nHost: a\r\nX-Slow: ",
        b"POST /api/v1/alerts/alertmanager HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Content-Length: 1000\r\n\r\n{",
    ],
)
async def test_a_request_that_does_not_arrive_in_time_is_cut_off(parts: HttpParts, sent: bytes) -> None:
    async with asyncio.timeout(20), serving(parts, arrival=timedelta(seconds=0.2)) as address:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
        writer.write(sent)
        assert await reader.read() == b""
        writer.close()


async def test_a_head_without_end_is_cut_off(parts: HttpParts) -> None:
    async with asyncio.timeout(20), serving(parts) as address:
        _, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\n")
        try:
            while True:
                writer.write(b"X-More: " + b"x" * 8000 + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0)
        except ConnectionError:
            pass
        writer.close()


async def test_a_connection_takes_many_requests_one_after_the_other_and_at_once(
    parts: HttpParts, inbox: MemorySignalStore
) -> None:
    body = json.dumps(WEBHOOK).encode()
    head = f"POST {ALERTMANAGER_PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async with asyncio.timeout(20), serving(parts) as address:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
        writer.write(request * 5)
        answers = b""
        while answers.count(b'{"accepted":2}') < 5:
            answers += await reader.read(1000)
        writer.close()

    assert len(inbox.received) == 10


async def test_what_is_acknowledged_is_in_the_file_when_the_process_stops_at_once(
    parts: HttpParts, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/k.db"
    store = open_store(url)
    durable = replace(parts, signals=store.signals)
    async with serving(durable) as address, httpx2.AsyncClient(base_url=address, trust_env=False) as client:
        response = await client.post(ALERTMANAGER_PATH, json=WEBHOOK)
        assert response.json() == {"accepted": 2}
        # Read by another connection while the writer is still open, as after a crash.
        other = open_store(url)
        assert len(await other.signals.waiting(10)) == 2
        other.close()
    store.close()
