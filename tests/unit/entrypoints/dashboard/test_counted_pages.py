"""The pages whose figures are counted over many incidents, and those about the service itself."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta

import httpx2
import pytest
from fastapi import FastAPI

from kubernaut.adapters.embeddings.hashed import HashedEmbedder
from kubernaut.adapters.memory.heartbeats import MemoryHeartbeats
from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.patterns import MemoryPatterns
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.adapters.memory.switch import MemorySwitch
from kubernaut.domain.chain import Broken as BrokenChain
from kubernaut.domain.chain import Checked, Recorded
from kubernaut.domain.diagnosis import ActionCall, ActionId
from kubernaut.domain.errors import ClusterUnavailable, Forbidden, StoreUnavailable, UnknownName
from kubernaut.domain.execution import Effect, Verification
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import EventKind
from kubernaut.domain.learning import Pattern
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import JsonObject, ObjectRef
from kubernaut.domain.plans import Decision
from kubernaut.domain.proposals import Agreement
from kubernaut.engine.codec import dump
from kubernaut.entrypoints.dashboard.books import Books, open_books
from kubernaut.entrypoints.dashboard.charts import interval_bar, log_axis
from kubernaut.entrypoints.dashboard.health import HealthSources
from kubernaut.entrypoints.dashboard.models import read_models
from kubernaut.entrypoints.dashboard.parts import DashboardParts
from kubernaut.entrypoints.dashboard.patterns import Memory
from kubernaut.entrypoints.dashboard.routes import dashboard_routes
from kubernaut.entrypoints.dashboard.strategies import read_strategies, read_tries
from kubernaut.entrypoints.dashboard.tally import Tally
from kubernaut.entrypoints.http.operations import Answer, Instruction, Operations, Refused
from kubernaut.impact.inputs import Range, ValueInputs
from tests.examples import a_signal
from tests.told import NOON, PROOF, Teller, a_healed_one, a_store, a_waiting_one, an_intent, an_undone_one
from tests.worth import Happened, tell_proposal

SAME_ORIGIN = {"sec-fetch-site": "same-origin"}
INPUTS = ValueInputs(Range(25, 42, 70), Range(70, 70, 70), running_usd_per_month=Range(500, 500, 500))


class StoppedClock:
    def now(self) -> datetime:
        return NOON + timedelta(minutes=6)

    async def sleep(self, duration: timedelta) -> None:
        raise AssertionError(f"nobody waits {duration} on a page")


class Site:
    """The pages on stores in memory."""

    def __init__(self, **changes: object) -> None:
        self.store = a_store()
        self.clock = StoppedClock()
        self.signals = MemorySignalStore()
        self.heartbeats = MemoryHeartbeats(self.clock)
        self.switch = MemorySwitch()
        self.books: Books = open_books(self.store, self.clock, INPUTS)
        self.ordered: list[Instruction] = []
        self._changes = changes

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self.browser().get(path, headers=headers)

    def browser(self) -> httpx2.AsyncClient:
        async def order(_incident: IncidentId, told: Instruction) -> Answer:
            self.ordered.append(told)
            return Refused("this is a test")

        async def switch(_told: Instruction) -> Answer:
            return Refused("this is a test")

        health = HealthSources({}, lambda: b"", self.heartbeats, self.signals, {})
        named = {"health": health, **self._changes}
        operations = Operations(order, order, order, switch, switch)
        patience = timedelta(minutes=30)
        parts = DashboardParts(
            self.store, self.switch, operations, self.clock, "prod-eu", patience, books=self.books, **named
        )
        app = FastAPI()
        app.include_router(dashboard_routes(parts))
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1:8080")


async def verified(store: MemoryIncidentStore, number: int, effect: Effect, *, days_ago: int = 0) -> None:
    """An attempt of the rollback for a crash, as verification tells it."""
    teller = Teller(store, number=number, began=NOON - timedelta(days=days_ago))
    await teller.receive()
    body: JsonObject = {
        "verification": dump(Verification(effect, 100, PROOF, "held", teller.now)),
        "cause": "crash_after_change",
        "action": "rollback_deployment",
    }
    await teller.add(EventKind.VERIFIED, body)


async def test_approvals_are_cards_with_the_soonest_to_expire_first() -> None:
    site = Site()
    await a_choice(site, number=1, began=NOON + timedelta(minutes=2))
    await a_waiting_one(site.store, number=2)
    await a_healed_one(site.store, number=3)
    page = (await site.get("/approvals")).text
    assert re.findall(r'article class="card ask" id="ask-([^"]+)"', page) == ["inc-4f7k02", "inc-4f7k01"]
    assert "escalates in 24m" in page
    assert "2 restart_workload" in page


async def test_the_number_that_waits_stands_in_the_navigation_of_every_page() -> None:
    site = Site()
    await a_waiting_one(site.store, number=1)
    for path in (
        "/",
        "/incidents",
        "/approvals",
        "/value",
        "/strategies",
        "/models",
        "/patterns",
        "/health",
        "/settings",
    ):
        assert re.search(r'class="badge">1<', (await site.get(path)).text), path


async def test_nothing_to_approve_is_said() -> None:
    assert "Nothing waits for you." in (await Site().get("/approvals")).text


async def a_choice(site: Site, number: int = 1, began: datetime = NOON) -> None:
    """An incident that asks for consent to one of two remedies."""
    teller = await a_waiting_one(site.store, number=number, began=began)
    other = ActionCall(ActionId("restart_workload"), teller.target, {})
    previews = [dump(an_intent().preview), dump(an_intent(other, ("+ restartedAt",)).preview)]
    body: JsonObject = {"preview": previews[0], "plan": dump(teller.plan(Decision.ASK)), "previews": previews}
    await teller.add(EventKind.ASKED, body, key="asked-again")


async def test_another_remedy_may_be_chosen_when_approving() -> None:
    site = Site()
    await a_choice(site)
    client = site.browser()
    page = (await client.get("/incidents/inc-4f7k01/approve")).text
    assert re.findall(r'name="choice" value="(\d)"', page) == ["1", "2"]
    version = re.search(r'name="version" value="(\w+)"', page)[1]  # type: ignore[index]
    fields = {"version": version, "by": "anna", "choice": "2"}
    await client.post("/incidents/inc-4f7k01/approve", data=fields, headers=SAME_ORIGIN)
    assert [told.choice for told in site.ordered] == [2]


async def test_figures_that_are_not_counted_yet_are_never_shown_as_0() -> None:
    page = (await Site().get("/value")).text
    assert "being counted" in page
    assert "time_to_resolution" not in page


async def test_the_value_page_shows_each_figure_with_its_sample_and_what_is_behind_it() -> None:
    site = Site()
    for number in (1, 2, 3):
        await a_healed_one(site.store, number=number)
    await site.books.appraisal.make("30d")
    page = (await site.get("/value")).text
    assert "n = 3" in page
    assert "not computable: no control arm" in page
    assert 'href="/incidents?ending=healed&amp;since=30d"' in page
    assert page.count("<circle") == 3
    assert "70 USD an hour" in page


async def test_what_opened_before_the_period_is_not_in_its_figures() -> None:
    site = Site()
    await a_healed_one(site.store, number=1, began=NOON - timedelta(days=10))
    await a_healed_one(site.store, number=2)
    assert (await site.books.appraisal.make("7d")).closed == 1
    assert (await site.books.appraisal.make("30d")).closed == 2


async def test_an_open_incident_is_in_no_figure() -> None:
    site = Site()
    await a_waiting_one(site.store, number=1)
    worth = await site.books.appraisal.make("30d")
    assert (worth.closed, worth.dots, worth.weeks) == (0, (), ())


async def test_without_declared_inputs_money_says_what_is_missing() -> None:
    site = Site()
    site.books = open_books(site.store, site.clock)
    await a_healed_one(site.store, number=1)
    await site.books.appraisal.make("30d")
    page = (await site.get("/value")).text
    assert "not computable: undeclared: minutes_by_hand, wage_usd_per_h" in page
    assert "Nothing is declared, so nothing is assumed" in page


async def test_a_period_that_does_not_exist_is_refused_with_those_that_do() -> None:
    answer = await Site().get("/value?since=2y")
    assert answer.status_code == 400
    assert "24h, 7d, 30d, 90d" in answer.text


async def test_what_a_page_asked_for_is_counted_beside_it() -> None:
    site = Site()
    await a_healed_one(site.store, number=1)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        working = group.create_task(site.books.work())
        while "being counted" in (await site.get("/value")).text:
            await asyncio.sleep(0)
        working.cancel()
    assert "time_to_resolution" in (await site.get("/value")).text


async def test_strategies_are_ordered_by_what_is_sure_so_that_luck_with_few_does_not_win() -> None:
    site = Site()
    for number in range(1, 13):
        await verified(site.store, number, Effect.HEALED if number > 3 else Effect.UNCHANGED)
    tally = Tally(site.store)
    await tally.catch_up()
    page = read_strategies(tally, site.clock)
    [one] = page.ranked
    assert (one.tried, one.healed, page.few) == (12, 9, ())
    assert one.low < one.healed / one.tried < one.high


async def test_under_ten_attempts_nothing_is_ranked() -> None:
    site = Site()
    for number in range(1, 10):
        await verified(site.store, number, Effect.HEALED)
    await site.books.tally.catch_up()
    page = (await site.get("/strategies")).text
    assert "Too few to compare" in page
    assert "Enough experience" not in page


async def test_the_last_four_weeks_are_counted_one_by_one() -> None:
    site = Site()
    for number, (effect, days) in enumerate([(Effect.HEALED, 1), (Effect.WORSE, 2), (Effect.HEALED, 22)], start=1):
        await verified(site.store, number, effect, days_ago=days)
    await site.books.tally.catch_up()
    [one] = read_strategies(site.books.tally, site.clock).few
    assert one.weeks == ((1, 1), (0, 0), (0, 0), (1, 2))


async def test_the_attempts_behind_a_share_lead_to_their_events() -> None:
    site = Site()
    await verified(site.store, 1, Effect.HEALED)
    await site.books.tally.catch_up()
    page = (await site.get("/strategies/crash_after_change/rollback_deployment")).text
    assert 'href="/incidents/inc-4f7k01/events#e2"' in page
    events = (await site.get("/incidents/inc-4f7k01/events")).text
    assert 'id="e2" class="verified"' in events


async def test_a_strategy_that_was_never_tried_has_no_page() -> None:
    site = Site()
    assert (await site.get("/strategies/no_cause/no_action")).status_code == 404
    with pytest.raises(UnknownName, match="was never tried"):
        read_tries(site.books.tally, site.clock, "no_cause", "no_action")


async def test_a_remedy_that_was_taken_back_counts_as_undone() -> None:
    site = Site()
    await an_undone_one(site.store, number=1)
    await verified(site.store, 2, Effect.HEALED)
    await site.books.tally.catch_up()
    assert [attempt.incident for attempt in site.books.tally.undone["rollback_deployment"]] == ["inc-4f7k01"]


async def test_reading_the_journal_twice_counts_every_event_once() -> None:
    site = Site()
    await verified(site.store, 1, Effect.HEALED)
    await asyncio.gather(site.books.tally.catch_up(), site.books.tally.catch_up())
    await site.books.tally.catch_up()
    assert read_strategies(site.books.tally, site.clock).few[0].tried == 1


async def test_a_count_goes_on_where_it_was_after_the_store_failed() -> None:
    site = Site()
    await verified(site.store, 1, Effect.HEALED)
    await site.books.tally.catch_up()
    healthy, site.books.tally.incidents = site.books.tally.incidents, Broken()
    with pytest.raises(StoreUnavailable):
        await site.books.tally.catch_up()
    site.books.tally.incidents = healthy
    await verified(site.store, 2, Effect.HEALED)
    await site.books.tally.catch_up()
    assert read_strategies(site.books.tally, site.clock).few[0].tried == 2


class Broken(MemoryIncidentStore):
    def __init__(self) -> None:
        super().__init__(MemorySignalStore())

    async def events(self, *_args: object, **_more: object) -> list[object]:  # type: ignore[override]
        raise StoreUnavailable("the database went away")


async def asked(store: MemoryIncidentStore, number: int, **body: object) -> None:
    teller = Teller(store, number=number)
    await teller.receive()
    await teller.add(EventKind.MODEL_ASKED, body)  # type: ignore[arg-type]


async def test_models_are_counted_from_what_they_were_asked() -> None:
    site = Site()
    for number in range(1, 12):
        await asked(site.store, number, provider="local", ok=True, tokens=100, took_s=float(number))
    await asked(site.store, 12, provider="local", ok=False, error="model_unavailable: refused", tokens=0, took_s=0.1)
    await site.books.tally.catch_up()
    [local] = read_models(
        site.books.tally, {"models": {"providers": [{"name": "local", "model": "qwen3:8b"}]}}, lambda: b""
    ).providers
    assert (local.model, local.asked, local.answered, local.tokens) == ("qwen3:8b", 12, 11, 1100)
    assert local.p50_s == pytest.approx(6.0)
    assert local.last is not None
    assert "refused" in local.last.failure


async def test_under_ten_answers_no_percentile_is_shown() -> None:
    site = Site()
    await asked(site.store, 1, provider="local", ok=True, tokens=1, took_s=2.0)
    await site.books.tally.catch_up()
    assert "n &lt; 10" in (await site.get("/models")).text


async def test_each_provider_of_one_question_is_counted_for_itself() -> None:
    site = Site()
    calls = [
        {"provider": "local", "failure": "hang", "took_s": 9.0, "tokens": 0},
        {"provider": "backup", "failure": "", "took_s": 1.0, "tokens": 40, "usd": 0.002},
    ]
    await asked(site.store, 1, provider="backup", ok=True, tokens=40, took_s=10.0, calls=calls)
    await site.books.tally.catch_up()
    settings: JsonObject = {
        "models": {"providers": [{"name": "local", "model": "a"}, {"name": "backup", "model": "b"}]}
    }
    metrics = b'kubernaut_model_circuit{provider="local"} 2.0\n'
    first, second = read_models(site.books.tally, settings, lambda: metrics).providers
    assert (first.name, first.answered, first.circuit) == ("local", 0, "open")
    assert (second.name, second.answered, second.usd) == ("backup", 1, 0.002)


async def test_a_provider_has_one_row_whatever_model_its_calls_name() -> None:
    site = Site()
    calls = [{"provider": "local:qwen3:8b", "failure": "", "took_s": 1.0, "tokens": 7}]
    await asked(site.store, 1, provider="local:qwen3:8b", ok=True, tokens=7, took_s=1.0, calls=calls)
    await asked(site.store, 2, provider="local:older", ok=True, tokens=9, took_s=1.0)
    await site.books.tally.catch_up()
    settings: JsonObject = {"models": {"providers": [{"name": "local", "model": "qwen3:8b"}]}}

    now, before = read_models(site.books.tally, settings, lambda: b"").providers

    assert (now.name, now.asked, now.tokens) == ("local", 1, 7)
    assert (before.name, before.tokens) == ("local:older", 9)


async def test_without_a_model_the_page_says_that_the_rules_decide_alone() -> None:
    site = Site()
    await site.books.tally.catch_up()
    assert "No model is set: the rules decide alone." in (await site.get("/models")).text


async def remembering() -> Memory:
    embedder, patterns = HashedEmbedder(), MemoryPatterns()
    for number, text in enumerate(("container killed out of memory", "image tag missing in the registry"), start=1):
        (vector,) = await embedder.embed([text])
        name = IncidentId(f"inc-4f7k0{number}")
        await patterns.add(
            [Pattern(name, text, f"cause_{number}", "", Ending.HEALED, 60, NOON, embedder.name, tuple(vector))]
        )
    return Memory(patterns, embedder)


async def test_patterns_are_found_by_words_the_most_alike_first() -> None:
    page = (await Site(memory=await remembering()).get("/patterns?q=out+of+memory")).text
    assert page.index("cause_1") < page.index("cause_2")


async def test_neighbours_of_an_incident_leave_the_incident_itself_out() -> None:
    site = Site(memory=await remembering())
    teller = Teller(site.store, number=1)
    await teller.receive()
    await teller.add(EventKind.LEARNED, {"text": "container killed out of memory"})
    found = (await site.get("/patterns.json?like=inc-4f7k01")).json()["found"]
    assert [one["incident"] for one in found] == ["inc-4f7k02"]


async def test_an_incident_that_taught_nothing_has_no_neighbours_and_says_why() -> None:
    site = Site(memory=await remembering())
    await a_waiting_one(site.store, number=1)
    assert "left no pattern" in (await site.get("/patterns?like=inc-4f7k01")).text


async def test_neighbours_of_an_incident_that_is_not_there_are_a_404() -> None:
    assert (await Site(memory=await remembering()).get("/patterns?like=inc-none")).status_code == 404


async def test_a_service_without_memory_says_so() -> None:
    assert "keeps no patterns" in (await Site().get("/patterns?q=x")).text


async def test_the_health_page_names_what_is_broken_and_shows_the_rest() -> None:
    async def broken() -> None:
        raise ClusterUnavailable("connection refused")

    async def well() -> None:
        pass

    site = Site()
    site._changes["health"] = HealthSources(
        {"store": well, "cluster": broken}, lambda: b"", site.heartbeats, site.signals, {}
    )
    await site.signals.accept([a_signal()])
    page = (await site.get("/health")).text
    assert "connection refused" in page
    assert "✓</span> store" in page
    assert "<b>1</b> wait" in page


async def test_a_replica_that_fell_silent_is_told_from_one_that_lives() -> None:
    site = Site()
    await site.heartbeats.beat("a")
    site.heartbeats.note("b", age=timedelta(minutes=2))
    replicas = (await site.get("/health.json")).json()["replicas"]
    assert {one["name"]: one["alive"] for one in replicas} == {"a": True, "b": False}


async def test_the_page_of_settings_has_a_twin_for_scripts() -> None:
    assert (await Site().get("/settings.json")).json()["total"] == 0


async def test_the_page_of_settings_says_when_all_of_them_are_at_their_defaults() -> None:
    page = (await Site().get("/settings?show=changed")).text
    assert "Every setting is at its default" in page


async def test_what_is_not_done_at_present_and_a_broken_log_are_told() -> None:
    async def refused() -> None:
        raise Forbidden("patch deployments is missing")

    event = Recorded(7, "inc-9", "k", "closed", NOON, "", "", "{}", "x")
    broken = Checked(6, 6, "a", BrokenChain(event, "is changed"))
    empty = Site()
    sources = HealthSources(
        {}, bytes, empty.heartbeats, empty.signals, {}, limits={"rights": refused}, audit=lambda: broken
    )
    site = Site(health=sources)
    page = (await site.get("/health")).text
    assert "patch deployments is missing" in page
    assert "chain broken" in page
    assert 'href="/incidents/inc-9"' in page


async def test_the_colours_are_kept_and_lead_back_to_the_page() -> None:
    client = Site().browser()
    headers = {**SAME_ORIGIN, "referer": "http://127.0.0.1:8080/incidents?q=x"}
    answer = await client.post("/theme", data={"theme": "dark"}, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents?q=x")
    assert 'data-theme="dark"' in (await client.get("/health")).text
    await client.post("/theme", data={"theme": ""}, headers=headers)
    assert "data-theme" not in (await client.get("/health")).text


@pytest.mark.parametrize("referer", ["http://evil.example//evil.example/x", "//evil.example", "\\\\evil.example", ""])
async def test_the_way_back_never_leaves_our_own_pages(referer: str) -> None:
    answer = await Site().browser().post("/theme", data={"theme": "dark"}, headers={**SAME_ORIGIN, "referer": referer})
    assert re.match(r"/(?![/\\])", answer.headers["location"])


async def test_colours_cannot_be_set_from_another_site() -> None:
    answer = await Site().browser().post("/theme", data={"theme": "dark"}, headers={"sec-fetch-site": "cross-site"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


async def test_an_odd_theme_in_a_cookie_is_left_alone() -> None:
    assert "data-theme" not in (await Site().get("/health", cookie='kubernaut-theme=x"onload=1')).text


async def test_pages_are_compressed_where_the_browser_takes_it() -> None:
    packed = await Site().get("/health", **{"accept-encoding": "gzip"})
    plain = await Site().get("/health", **{"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text


async def test_a_stream_of_one_incident_tells_nothing_of_others() -> None:
    site = Site(closing=_closed())
    await a_healed_one(site.store, number=1)
    answer = await site.get("/events?after=0&incident=inc-4f7k02")
    assert "id:" not in answer.text


def _closed() -> asyncio.Event:
    closing = asyncio.Event()
    closing.set()
    return closing


async def test_filters_stand_in_the_address_beside_the_words() -> None:
    site = Site()
    await a_healed_one(site.store, number=1)
    await a_healed_one(site.store, number=2, cause="volume_full", target=ObjectRef("v1", "Pod", "data", "orders-0"))
    page = await site.get(
        "/incidents?cause=volume_full&namespace=data&ending=healed&alert=KubePodCrashLooping&since=1h"
    )
    assert re.findall(r'<tr id="([^"]+)"', page.text) == ["inc-4f7k02"]
    assert 'value="volume_full"' in page.text
    assert "Nothing matches" in (await site.get("/incidents?cause=volume_full&namespace=shop")).text


async def test_an_ending_that_does_not_exist_is_named() -> None:
    assert "status:fine" in (await Site().get("/incidents?ending=fine")).text


async def test_the_events_page_shows_what_was_stored_and_lets_nothing_act() -> None:
    site = Site()
    teller = Teller(site.store, number=1)
    await teller.receive()
    await teller.add(EventKind.OBSERVED, {"problem": "<img src=x onerror=alert(1)>\x1b[31m" + "x" * 9000})
    page = (await site.get("/incidents/inc-4f7k01/events")).text
    assert "<img" not in page
    assert "\x1b" not in page
    assert "characters: the JSON has all" in page


@pytest.mark.parametrize("path", ["/value", "/strategies", "/models", "/patterns", "/health", "/approvals"])
async def test_every_page_has_a_twin_for_scripts(path: str) -> None:
    answer = await Site().get(f"{path}.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert isinstance(answer.json(), dict)


def test_the_axis_of_times_goes_in_powers_of_ten_around_them() -> None:
    axis = log_axis([12.0, 340.0])
    assert (axis.low, axis.high) == (10.0, 1000.0)
    assert axis.place(1000.0) < axis.place(100.0) < axis.place(10.0)


@pytest.mark.parametrize("seconds", [[], [0.0], [1.0], [10.0], [1e6]])
def test_the_axis_stands_for_any_times(seconds: list[float]) -> None:
    axis = log_axis(seconds)
    assert axis.high > axis.low > 0
    assert len(axis.ticks) >= 2


@pytest.mark.parametrize(("low", "mark", "high"), [(-5, 2, 9), (1, 2, 3), (-3, -2, -1), (0, 0, 0)])
def test_an_interval_is_drawn_on_a_scale_that_holds_0(low: float, mark: float, high: float) -> None:
    bar = interval_bar(low, mark, high)
    assert 0 <= bar.low <= bar.mark <= bar.high <= 100
    assert 0 <= bar.zero <= 100


async def test_proposals_that_nobody_acted_on_stand_on_the_value_page_with_what_people_did() -> None:
    site = Site()
    one = Happened("print-1", "deadlock", Ending.ESCALATED, 3, NOON)
    incident = await tell_proposal(site.store, one, Agreement.SAME_CHANGE, 4.0)
    await site.books.appraisal.make("30d")
    page = (await site.get("/value?since=30d")).text
    assert "Proposed and not done" in page
    assert "same change" in page
    assert f"/incidents/{incident}/events" in page
    assert (await site.get("/value.json?since=30d")).json()["worth"]["shadow"]["proposals"] == 1
