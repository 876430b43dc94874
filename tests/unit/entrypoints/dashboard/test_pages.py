import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta

import httpx2
import pytest
from fastapi import FastAPI

from kubernaut.adapters.memory.heartbeats import MemoryHeartbeats
from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.adapters.memory.switch import MemorySwitch
from kubernaut.domain.errors import StoreUnavailable
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import ObjectRef
from kubernaut.entrypoints.dashboard.books import open_books
from kubernaut.entrypoints.dashboard.gate import Gate
from kubernaut.entrypoints.dashboard.health import HealthSources
from kubernaut.entrypoints.dashboard.parts import DashboardParts
from kubernaut.entrypoints.dashboard.routes import dashboard_routes
from kubernaut.entrypoints.dashboard.stream import event_stream
from kubernaut.entrypoints.http.operations import Answer, Done, IncidentOrder, Instruction, Operations, Refused
from kubernaut.ports import Suspension
from tests.told import NOON, Teller, a_healed_one, a_store, a_waiting_one, an_escalated_one

SAME_ORIGIN = {"sec-fetch-site": "same-origin"}
NASTY = "<script>alert(1)</script>\x1b[31m"


class StoppedClock:
    def now(self) -> datetime:
        return NOON + timedelta(minutes=6)


class Orders:
    """Keeps what was ordered."""

    def __init__(self, switch: MemorySwitch) -> None:
        self.given = []
        self.answer = Done("taken")
        self.switch = switch

    def operations(self) -> Operations:
        async def order(verb: str, incident: IncidentId, told: Instruction) -> Answer:
            self.given.append((verb, incident, told.by, told.reason))
            return self.answer

        async def suspend(told: Instruction) -> Answer:
            await self.switch.suspend(Suspension(told.by, told.reason, NOON))
            return self.answer

        async def resume(_told: Instruction) -> Answer:
            await self.switch.resume()
            return self.answer

        def bound(verb: str) -> IncidentOrder:
            return lambda incident, told: order(verb, incident, told)

        return Operations(bound("approve"), bound("reject"), bound("undo"), suspend, resume)


@pytest.fixture
def store() -> MemoryIncidentStore:
    return a_store()


@pytest.fixture
def orders() -> Orders:
    return Orders(MemorySwitch())


def browser(store: MemoryIncidentStore, orders: Orders, **changes: object) -> httpx2.AsyncClient:
    clock = StoppedClock()
    books = open_books(store, clock)
    health = HealthSources({}, lambda: b"", MemoryHeartbeats(clock), MemorySignalStore(), {})
    patience = timedelta(minutes=30)
    named = {"books": books, "health": health, **changes}
    parts = DashboardParts(store, orders.switch, orders.operations(), clock, "prod-eu", patience, **named)
    app = FastAPI()
    app.include_router(dashboard_routes(parts))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1:8080")


async def test_the_first_page_of_a_new_service_says_what_to_do(store: MemoryIncidentStore, orders: Orders) -> None:
    page = (await browser(store, orders).get("/")).text
    assert "Nothing waits for you." in page
    assert "http://127.0.0.1:8080/api/v1/alerts/alertmanager" in page
    assert "not computable: nothing was healed yet" in page


async def test_what_waits_for_a_person_stands_first_with_its_change(store: MemoryIncidentStore, orders: Orders) -> None:
    await a_healed_one(store, number=1)
    await a_waiting_one(store, number=2)
    page = (await browser(store, orders).get("/")).text
    needs = page[page.index('id="needs"') : page.index('id="work"')]
    assert "inc-4f7k02" in needs
    assert "inc-4f7k01" not in needs
    assert "escalates in 24m" in needs
    assert "+ args: []" in needs


async def test_what_was_handed_over_needs_people_unless_its_alert_has_cleared(
    store: MemoryIncidentStore, orders: Orders
) -> None:
    await an_escalated_one(store, number=1)
    cleared = Teller(store, number=2)
    await cleared.receive()
    await cleared.resolve()
    await cleared.diagnose()
    await cleared.end(Ending.ESCALATED, "no safe action fits")
    page = (await browser(store, orders).get("/")).text
    assert "need-inc-4f7k01" in page
    assert "need-inc-4f7k02" not in page


async def test_an_object_that_was_handed_over_again_and_again_is_one_card(
    store: MemoryIncidentStore, orders: Orders
) -> None:
    for number in (1, 2, 3):
        await an_escalated_one(store, number=number, began=NOON + timedelta(seconds=number))
    page = (await browser(store, orders).get("/")).text
    assert re.findall(r'id="need-([^"]+)"', page) == ["inc-4f7k03"]


async def test_a_question_that_ran_out_is_not_asked_any_more(store: MemoryIncidentStore, orders: Orders) -> None:
    waiting = await a_waiting_one(store, number=1)
    await waiting.end(Ending.ESCALATED, "nobody answered the request for consent in time")
    page = (await browser(store, orders).get("/")).text
    assert "need-inc-4f7k01" in page
    assert "Approve…" not in page


async def test_text_from_the_cluster_is_shown_and_does_not_act(store: MemoryIncidentStore, orders: Orders) -> None:
    await an_escalated_one(store, number=1, alert=NASTY, target=ObjectRef("apps/v1", "Deployment", "a<b", 'x"y'))
    for path in ("/", "/incidents", "/incidents/inc-4f7k01", "/?q=%3Cscript%3E"):
        page = (await browser(store, orders).get(path)).text
        assert "<script>" not in page
        assert "\x1b" not in page
        assert '"y' not in page.replace('"yes', "")


async def test_nothing_is_loaded_from_elsewhere_and_nothing_runs_inline(
    store: MemoryIncidentStore, orders: Orders
) -> None:
    await a_waiting_one(store, number=1)
    for path in ("/", "/incidents", "/incidents/inc-4f7k01", "/incidents/inc-4f7k01/approve", "/switch/suspend"):
        answer = await browser(store, orders).get(path)
        assert answer.headers["content-security-policy"].startswith("default-src 'none';")
        assert not re.search(r'(src|href|action)="(https?:)?//', answer.text)
        assert not re.search(r"<script(?! defer src=)|<style| style=| on[a-z]+=", answer.text)


async def test_an_incident_page_tells_the_whole_story(store: MemoryIncidentStore, orders: Orders) -> None:
    await a_healed_one(store, number=1)
    page = (await browser(store, orders).get("/incidents/inc-4f7k01")).text
    for words in (
        "healed",
        "in 74 s",
        "flag provided but not defined: -cache-ttl",
        "Other hypotheses",
        "all 4 references resolve",
        "metrics: no Prometheus is set",
        "40/40",
        "not measured",
        "0 tokens",
        "inc-1a0c",
        "12 events",
        "Undo…",
    ):
        assert words in page


async def test_any_unique_start_of_an_id_finds_its_page(store: MemoryIncidentStore, orders: Orders) -> None:
    await a_healed_one(store, number=1)
    client = browser(store, orders)
    assert "inc-4f7k01" in (await client.get("/incidents/inc-4")).text
    await a_waiting_one(store, number=2)
    several = await client.get("/incidents/inc-4")
    assert (several.status_code, "2 incidents" in several.text) == (409, True)
    assert (await client.get("/incidents/inc-none")).status_code == 404


async def test_every_page_has_a_twin_for_scripts(store: MemoryIncidentStore, orders: Orders) -> None:
    await a_waiting_one(store, number=1)
    client = browser(store, orders)
    live = (await client.get("/live.json")).json()
    assert [row["incident"]["id"] for row in live["needs_you"]] == ["inc-4f7k01"]
    assert (await client.get("/incidents.json?q=status:healed")).json()["total"] == 0
    story = (await client.get("/incidents/inc-4f7k01.json")).json()
    assert story["cause"] == "crash_after_change"
    assert [event["kind"] for event in story["events"]][-1] == "asked"
    assert (await client.get("/incidents/inc-none.json")).json()["error"]["code"] == "unknown_name"


async def test_approving_asks_first_and_leads_back(store: MemoryIncidentStore, orders: Orders) -> None:
    await a_waiting_one(store, number=1)
    client = browser(store, orders)
    question = (await client.get("/incidents/inc-4f7k01/approve")).text
    assert "Apply rollback_deployment revision=6 on shop/deployment/checkout?" in question
    assert orders.given == []
    fields = {"version": version_in(question), "by": "anna", "reason": "checked"}
    answer = await client.post("/incidents/inc-4f7k01/approve", data=fields, headers=SAME_ORIGIN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents/inc-4f7k01")
    assert orders.given == [("approve", "inc-4f7k01", "anna", "checked")]


async def test_a_plan_that_changed_meanwhile_is_asked_about_again(store: MemoryIncidentStore, orders: Orders) -> None:
    waiting = await a_waiting_one(store, number=1)
    client = browser(store, orders)
    seen = version_in((await client.get("/incidents/inc-4f7k01/approve")).text)
    waiting.wait(5)
    waiting.diff = ("- memory: 512Mi", "+ memory: 768Mi")
    await waiting.ask()
    fields = {"version": seen, "by": "anna"}
    answer = await client.post("/incidents/inc-4f7k01/approve", data=fields, headers=SAME_ORIGIN)
    assert answer.status_code == 409
    assert "It changed while you looked" in answer.text
    assert "+ memory: 768Mi" in answer.text
    assert orders.given == []


async def test_a_form_without_a_name_does_nothing(store: MemoryIncidentStore, orders: Orders) -> None:
    await a_waiting_one(store, number=1)
    client = browser(store, orders)
    version = version_in((await client.get("/incidents/inc-4f7k01/reject")).text)
    answer = await client.post("/incidents/inc-4f7k01/reject", data={"version": version}, headers=SAME_ORIGIN)
    assert (answer.status_code, orders.given) == (400, [])


async def test_a_refusal_is_shown_with_its_reason(store: MemoryIncidentStore, orders: Orders) -> None:
    await a_healed_one(store, number=1)
    orders.answer = Refused("the object was changed since", "look at it first")
    client = browser(store, orders)
    version = version_in((await client.get("/incidents/inc-4f7k01/undo")).text)
    fields = {"version": version, "by": "anna"}
    answer = await client.post("/incidents/inc-4f7k01/undo", data=fields, headers=SAME_ORIGIN)
    assert answer.status_code == 409
    assert "the object was changed since" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
    ],
)
async def test_a_form_from_anywhere_else_does_nothing(
    headers: dict[str, str], store: MemoryIncidentStore, orders: Orders
) -> None:
    answer = await browser(store, orders).post("/switch/suspend", data={"by": "anna", "reason": "x"}, headers=headers)
    assert answer.status_code == 403
    assert await orders.switch.suspension() is None


async def test_browsers_that_only_send_an_origin_may_use_forms(store: MemoryIncidentStore, orders: Orders) -> None:
    headers = {"origin": "http://127.0.0.1:8080"}
    answer = await browser(store, orders).post("/switch/suspend", data={"by": "anna", "reason": "x"}, headers=headers)
    assert answer.status_code == 303
    assert (await orders.switch.suspension()).by == "anna"


async def test_a_suspension_is_said_on_the_first_page_with_the_way_out(
    store: MemoryIncidentStore, orders: Orders
) -> None:
    await orders.switch.suspend(Suspension("anna", "freeze", NOON))
    page = (await browser(store, orders).get("/")).text
    assert "suspended by anna: freeze" in page
    assert 'href="/switch/resume"' in page


async def test_a_form_too_large_is_refused(store: MemoryIncidentStore, orders: Orders) -> None:
    big = {"by": "a" * 20_000}
    answer = await browser(store, orders).post("/switch/suspend", data=big, headers=SAME_ORIGIN)
    assert answer.status_code == 403


async def test_with_a_token_no_page_is_shown_without_it(store: MemoryIncidentStore, orders: Orders) -> None:
    await a_waiting_one(store, number=1)
    client = browser(store, orders, token="swordfish")
    for path in ("/", "/live.json", "/incidents/inc-4f7k01", "/events", "/switch/suspend"):
        answer = await client.get(path)
        assert (answer.status_code, "checkout" in answer.text) == (401, False)
    assert (await client.post("/switch/suspend", data={"by": "x"}, headers=SAME_ORIGIN)).status_code == 401


async def test_the_token_is_entered_once_and_kept_as_a_cookie_of_ours(
    store: MemoryIncidentStore, orders: Orders
) -> None:
    client = browser(store, orders, token="swordfish")
    assert (await client.post("/login", data={"token": "herring"}, headers=SAME_ORIGIN)).status_code == 401
    answer = await client.post("/login", data={"token": "swordfish"}, headers=SAME_ORIGIN)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "swordfish" not in cookie
    assert (await client.get("/")).status_code == 200


async def test_a_name_that_is_not_ours_gets_nothing_on_a_loopback_address(
    store: MemoryIncidentStore, orders: Orders
) -> None:
    client = browser(store, orders, loopback_only=True)
    assert (await client.get("/live.json", headers={"host": "evil.example:8080"})).status_code == 421
    assert (await client.get("/live.json", headers={"host": "localhost:8080"})).status_code == 200


def test_without_a_token_no_cookie_is_needed() -> None:
    assert not Gate(None, loopback_only=False).is_token("")


class DeadStore:
    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        async def fail(*_args: object, **_more: object) -> None:
            raise StoreUnavailable("database unreachable: refused")

        return fail


async def test_a_store_that_fails_is_said_and_never_shown_as_nothing(orders: Orders) -> None:
    answer = await browser(DeadStore(), orders).get("/")
    assert answer.status_code == 503
    assert "database unreachable" in answer.text
    assert "Nothing waits for you" not in answer.text


async def messages(stream: AsyncIterator[bytes], number: int) -> list[tuple[int, dict[str, str]]]:
    """The first messages of a stream, without the heartbeats."""
    found = []
    async with asyncio.timeout(10):
        async for chunk in stream:
            if chunk.startswith(b"id: "):
                head, _, data = chunk.decode().partition("data: ")
                found.append((int(head.split()[1]), json.loads(data)))
            if len(found) == number:
                return found
    return found


async def test_the_stream_goes_on_after_the_last_event_that_was_seen(store: MemoryIncidentStore) -> None:
    await a_healed_one(store, number=1)
    stream = event_stream(store, StoppedClock(), after=10, closing=asyncio.Event())
    first, second = await messages(stream, 2)
    assert (first[0], first[1]["kind"]) == (11, "valued")
    assert (second[0], second[1]["kind"]) == (12, "closed")


async def test_the_stream_tells_what_happens_while_it_is_open(store: MemoryIncidentStore) -> None:
    teller = Teller(store)
    await teller.receive()
    stream = event_stream(store, StoppedClock(), after=1, closing=asyncio.Event())
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(messages(stream, 1))
        await teller.diagnose()
    assert waiting.result()[0][1]["kind"] == "recalled"


async def test_open_streams_end_when_the_service_closes(store: MemoryIncidentStore) -> None:
    closing = asyncio.Event()
    closing.set()
    assert [chunk async for chunk in event_stream(store, StoppedClock(), after=0, closing=closing)] == [
        b"retry: 2000\n\n"
    ]


async def test_the_number_of_the_last_event_has_to_be_one(store: MemoryIncidentStore, orders: Orders) -> None:
    assert (await browser(store, orders).get("/events?after=x")).status_code == 400


async def test_styles_and_scripts_may_be_kept_for_ever(store: MemoryIncidentStore, orders: Orders) -> None:
    client = browser(store, orders)
    page = (await client.get("/")).text
    for address in re.findall(r'"(/assets/[^"]+)"', page):
        answer = await client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert (await client.get("/assets/../routes.py")).status_code == 404


async def test_the_first_page_is_small_enough_for_a_train(store: MemoryIncidentStore, orders: Orders) -> None:
    for number in range(25):
        await a_healed_one(store, number=number, target=ObjectRef("apps/v1", "Deployment", "shop", f"app-{number}"))
    client = browser(store, orders)
    page = await client.get("/")
    needed = ["/", *re.findall(r'"(/assets/[^"]+)"', page.text)]
    sizes = {path: int((await client.get(path)).headers["content-length"]) for path in needed}
    assert len(sizes) == 6
    assert sum(sizes.values()) < 100 * 1024


def version_in(page: str) -> str:
    return re.search(r'name="version" value="(\w+)"', page)[1]
