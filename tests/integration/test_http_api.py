from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.adapters.prometheus.meter import PrometheusMeter
from kubernaut.domain.errors import StoreUnavailable
from kubernaut.domain.incidents import Incident
from kubernaut.entrypoints.http.app import HttpParts
from kubernaut.entrypoints.http.operations import Instruction, Refused
from kubernaut.ports import IncidentStore, Suspension
from tests.examples import HOLD, NOON, a_signal, an_incident
from tests.integration.test_http_intake import problem
from tests.serving import Desk, memory_parts, serving


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def parts(desk: Desk) -> HttpParts:
    return memory_parts(MemorySignalStore(), desk)


@pytest.fixture
async def client(parts: HttpParts) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(parts) as address, httpx2.AsyncClient(base_url=address, trust_env=False) as client:
        yield client


async def opened(incidents: IncidentStore, fingerprint: str = "a", namespace: str = "shop") -> Incident:
    candidate = an_incident(fingerprint, namespace=namespace)
    return (await incidents.admit(a_signal(alert=fingerprint), candidate, hold=HOLD)).incident


async def test_incidents_are_listed_with_their_total(client: httpx2.AsyncClient, parts: HttpParts) -> None:
    for name in "abc":
        await opened(parts.incidents, name)

    page = (await client.get("/api/v1/incidents", params={"limit": 2})).json()

    assert page["total"] == 3
    assert len(page["incidents"]) == 2
    assert page["incidents"][0]["target"] == {
        "api_version": "apps/v1",
        "kind": "Deployment",
        "namespace": "shop",
        "name": "checkout",
    }
    assert page["incidents"][0]["phase"] == "triage"


async def test_incidents_are_filtered(client: httpx2.AsyncClient, parts: HttpParts) -> None:
    await opened(parts.incidents, "a")
    await opened(parts.incidents, "b", namespace="pay")

    query = {"namespace": "pay", "open_only": "true", "text": "CHECKOUT", "since": "2026-03-04T00:00:00Z"}
    page = (await client.get("/api/v1/incidents", params=query)).json()

    assert [incident["fingerprint"] for incident in page["incidents"]] == ["b"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "100000"}, "limit"),
        ({"ending": "great"}, "ending"),
        ({"since": "2026-03-04T00:00:00"}, "since"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "since"),
        ({"since": "9999-12-31T23:59:59-14:00"}, "since"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_query_is_refused_with_its_field(
    client: httpx2.AsyncClient, query: dict[str, str], field: str
) -> None:
    assert field in problem(await client.get("/api/v1/incidents", params=query), 400)["detail"]


async def test_an_incident_is_shown_with_its_events(client: httpx2.AsyncClient, parts: HttpParts) -> None:
    incident = await opened(parts.incidents)

    shown = (await client.get(f"/api/v1/incidents/{incident.id}")).json()
    events = (await client.get(f"/api/v1/incidents/{incident.id}/events")).json()

    assert shown["id"] == incident.id
    assert [event["kind"] for event in events] == ["received"]
    assert events[0]["body"]["labels"]["namespace"] == "shop"
    later = await client.get(f"/api/v1/incidents/{incident.id}/events", params={"after": events[0]["seq"]})
    assert later.json() == []


@pytest.mark.parametrize("path", ["/api/v1/incidents/inc-none", "/api/v1/incidents/inc-none/events", "/nowhere"])
async def test_what_does_not_exist_is_said_so(client: httpx2.AsyncClient, path: str) -> None:
    problem(await client.get(path), 404)


@pytest.mark.parametrize("order", ["approve", "reject", "undo"])
async def test_an_order_about_an_incident_is_handed_on(
    client: httpx2.AsyncClient, parts: HttpParts, desk: Desk, order: str
) -> None:
    incident = await opened(parts.incidents)

    for name in (incident.id, incident.id[:-1]):
        response = await client.post(
            f"/api/v1/incidents/{name}/{order}", json={"by": "anna", "reason": "it is safe", "choice": 2}
        )
        assert response.json() == {"text": "as you say"}

    assert desk.taken == [(order, incident.id, Instruction("anna", "it is safe", 2))] * 2


async def test_the_start_of_an_id_stands_for_it_as_long_as_no_other_starts_so(
    client: httpx2.AsyncClient, parts: HttpParts, desk: Desk
) -> None:
    first = await opened(parts.incidents, "a")
    assert (await client.get("/api/v1/incidents/inc-")).json()["id"] == first.id
    assert (await client.get("/api/v1/incidents/inc-/events")).json()[0]["incident"] == first.id

    second = await opened(parts.incidents, "b")

    several = problem(await client.get("/api/v1/incidents/inc-"), 409)
    assert first.id in several["detail"]
    assert second.id in several["detail"]
    problem(await client.post("/api/v1/incidents/inc-/undo", json={"by": "anna"}), 409)
    # A word of an incident is no start of its id.
    problem(await client.get("/api/v1/incidents/checkout"), 404)
    problem(await client.post(f"/api/v1/incidents/{'x' * 500}/undo", json={"by": "anna"}), 404)
    assert desk.taken == []


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "[::1", "", "10.0.0.1"]
)
async def test_without_a_token_a_name_that_is_not_loopback_reaches_no_api(parts: HttpParts, host: str) -> None:
    lone = replace(parts, loopback_only=True)
    async with serving(lone) as address, httpx2.AsyncClient(base_url=address, trust_env=False) as client:
        problem(await client.get("/api/v1/incidents", headers={"host": host}), 421)
        problem(await client.post("/api/v1/suspend", json={"by": "x"}, headers={"host": host}), 421)
        for ours in ("localhost:8080", "127.0.0.1", "[::1]:8080"):
            assert (await client.get("/api/v1/incidents", headers={"host": ours})).status_code == 200


async def test_with_a_token_the_token_decides_and_not_the_name(parts: HttpParts) -> None:
    headers = {"host": "kubernaut.example", "authorization": "Bearer secret"}
    guarded = replace(parts, loopback_only=True, token="secret")
    async with serving(guarded) as address, httpx2.AsyncClient(base_url=address, trust_env=False) as client:
        assert (await client.get("/api/v1/incidents", headers=headers)).status_code == 200


@pytest.mark.parametrize("order", ["suspend", "resume"])
async def test_an_order_about_all_actions_is_handed_on(client: httpx2.AsyncClient, desk: Desk, order: str) -> None:
    await client.post(f"/api/v1/{order}", json={"by": "anna"})

    assert desk.taken == [(order, "", Instruction("anna"))]


async def test_an_order_that_is_refused_is_answered_with_the_way_out(
    client: httpx2.AsyncClient, parts: HttpParts, desk: Desk
) -> None:
    incident = await opened(parts.incidents)
    desk.answer = Refused("it is not waiting for an approval", "kubernaut incidents show inc-1")

    said = problem(await client.post(f"/api/v1/incidents/{incident.id}/approve", json={"by": "anna"}), 409)

    assert said["detail"] == "it is not waiting for an approval"
    assert said["help"] == "kubernaut incidents show inc-1"


@pytest.mark.parametrize(
    "body", [{}, {"by": ""}, {"by": "anna", "choice": 0}, {"by": "anna", "choice": True}, {"by": "anna", "force": True}]
)
async def test_an_order_that_is_not_well_formed_is_not_handed_on(
    client: httpx2.AsyncClient, desk: Desk, body: dict[str, object]
) -> None:
    problem(await client.post("/api/v1/suspend", json=body), 400)

    assert desk.taken == []


async def test_an_order_from_a_page_of_another_site_is_not_handed_on(client: httpx2.AsyncClient, desk: Desk) -> None:
    form = {"content-type": "text/plain", "sec-fetch-site": "cross-site"}
    problem(await client.post("/api/v1/suspend", content=b'{"by":"x"}', headers=form), 403)

    assert desk.taken == []


async def test_the_suspension_in_force_is_shown(client: httpx2.AsyncClient, parts: HttpParts) -> None:
    assert (await client.get("/api/v1/suspension")).json() is None

    await parts.switch.suspend(Suspension("anna", "maintenance", NOON))

    assert (await client.get("/api/v1/suspension")).json()["by"] == "anna"


async def test_the_description_of_the_api_names_its_paths(client: httpx2.AsyncClient) -> None:
    paths = (await client.get("/api/v1/openapi.json")).json()["paths"]

    assert {"/api/v1/incidents", "/api/v1/incidents/{incident}/approve", "/readyz"} <= set(paths)


async def test_an_unforeseen_error_is_told_without_its_inside(parts: HttpParts) -> None:
    class Broken(MemorySignalStore):
        async def accept(self, signals: object) -> None:  # noqa: ARG002
            raise ZeroDivisionError("secret inside")

    async with (
        serving(replace(parts, signals=Broken())) as address,
        httpx2.AsyncClient(base_url=address, trust_env=False) as client,
    ):
        webhook = {"version": "4", "alerts": []}
        said = problem(await client.post("/api/v1/alerts/alertmanager", json=webhook), 500)

    assert "secret" not in str(said)


async def test_readiness_names_each_check_and_what_is_wrong(parts: HttpParts) -> None:
    async def fine() -> None:
        pass

    async def broken() -> None:
        raise StoreUnavailable("disk is full")

    async with (
        serving(replace(parts, checks={"engine": fine, "store": broken})) as address,
        httpx2.AsyncClient(base_url=address, trust_env=False) as client,
    ):
        response = await client.get("/readyz")
        alive = await client.get("/healthz")

    assert response.status_code == 503
    assert response.json() == {"status": "not ready", "checks": {"engine": "ok", "store": "disk is full"}}
    assert alive.json() == {"status": "alive"}


async def test_probes_at_once_run_the_checks_once(parts: HttpParts) -> None:
    runs: list[int] = []

    async def counted() -> None:
        runs.append(1)

    async with (
        serving(replace(parts, checks={"store": counted})) as address,
        httpx2.AsyncClient(base_url=address, trust_env=False) as client,
    ):
        answers = await asyncio.gather(*(client.get("/readyz") for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len(runs) < 20


async def test_metrics_are_in_the_text_format_of_prometheus(parts: HttpParts) -> None:
    meter = PrometheusMeter()
    meter.count("signals_accepted", source="alertmanager", state="firing")
    meter.count("signals_accepted", state="firing", source="alertmanager")
    meter.observe("intake_seconds", 0.004, source="alertmanager")

    async def exposition() -> bytes:
        return meter.exposition()

    async with (
        serving(replace(parts, metrics=exposition)) as address,
        httpx2.AsyncClient(base_url=address, trust_env=False) as client,
    ):
        text = (await client.get("/metrics")).text

    assert 'kubernaut_signals_accepted_total{source="alertmanager",state="firing"} 2.0' in text
    assert 'kubernaut_intake_seconds_bucket{le="0.005",source="alertmanager"} 1.0' in text
    assert "kubernaut_model_replies_suspicious_total 0.0" in text
