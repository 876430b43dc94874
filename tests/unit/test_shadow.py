"""An incident whose remedy is proposed and not done, and what people then do about it, on memory adapters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.engine import MemoryEngine
from kubernaut.domain.errors import ClusterUnavailable
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef
from kubernaut.domain.proposals import Agreement, Comparison
from kubernaut.engine.codec import dump, load
from tests import objects
from tests.misrouted_shop import SERVICE, MisroutedShop

TEN = timedelta(minutes=10)
DEPLOYMENT = ObjectRef("apps/v1", "Deployment", "shop", "cart")


class Diary(ManualClock):
    """A clock that jumps, and on the way does what is written down for a moment."""

    def __init__(self) -> None:
        super().__init__(objects.NOW, jumps=True)
        self.entries: list[tuple[datetime, Callable[[], Awaitable[None]]]] = []

    async def sleep(self, duration: timedelta) -> None:
        until = self.now() + duration
        for moment, act in sorted(self.entries, key=lambda entry: entry[0]):
            if moment <= until:
                self.entries.remove((moment, act))
                await super().sleep(moment - self.now())
                await act()
        await super().sleep(until - self.now())


@dataclass
class Left:
    """The shop left to its people; `after` is what they do ten minutes later."""

    after: Callable[[MisroutedShop], Awaitable[None]] | None = None
    autonomy: str = "suggest"

    def __post_init__(self) -> None:
        self.diary = Diary()
        self.shop = MisroutedShop(autonomy=self.autonomy, clock=self.diary, horizon=timedelta(hours=6))
        after = self.after
        if after is not None:
            self.diary.entries.append((objects.NOW + TEN, lambda: after(self.shop)))

    async def go(self) -> list[Event]:
        opened = await self.shop.open_incident()
        async with MemoryEngine(self.shop.workflow, self.diary) as engine:
            await engine.start(opened.id, {"do": "heal", "incident": dump(opened)})
            status = await engine.outcome(opened.id)
        assert status.result == "escalated", status.error
        return await self.shop.incidents.events(opened.id)


def comparison(events: list[Event]) -> Comparison:
    [told] = [event for event in events if event.kind is EventKind.COMPARED]
    return load(Comparison, told.body["comparison"])


def edit(shop: MisroutedShop, ref: ObjectRef, spec: dict[str, Json], manager: str = "kubectl-edit") -> None:
    """Somebody writes into the spec, and the API server notes who."""
    raw = shop.cluster.raw(ref)
    raw["spec"] = {**KubeObject(raw).tree("spec").raw, **spec}
    entry: JsonObject = {"manager": manager, "operation": "Update", "time": shop.clock.now().isoformat()}
    metadata = raw["metadata"]
    assert isinstance(metadata, dict)
    metadata["managedFields"] = [entry]
    shop.cluster.put(raw)


def select(labels: dict[str, str], manager: str = "kubectl-edit") -> Callable[[MisroutedShop], Awaitable[None]]:
    async def act(shop: MisroutedShop) -> None:
        edit(shop, SERVICE, {"selector": dict(labels)}, manager)
        await shop.recover()

    return act


async def change_type(shop: MisroutedShop) -> None:
    edit(shop, SERVICE, {"sessionAffinity": "ClientIP"})
    await shop.recover()


async def scale(shop: MisroutedShop) -> None:
    edit(shop, DEPLOYMENT, {"replicas": 2}, "kubectl")
    await shop.recover()


async def recover_alone(shop: MisroutedShop) -> None:
    await shop.recover()


async def test_a_proposal_shows_the_change_and_writes_nothing() -> None:
    left = Left()
    events = await left.go()
    [proposed] = [event for event in events if event.kind is EventKind.PROPOSED]
    proposal = proposed.body["proposal"]
    assert isinstance(proposal, dict)
    assert KubeObject(proposal).text("call", "action") == "fix_service_selector"
    assert "+ tier: web" in KubeObject(proposal).tree("intent", "preview").texts("diff")
    assert left.shop.written == []
    assert {EventKind.INTENDED, EventKind.APPLIED} & {event.kind for event in events} == set()


async def test_people_are_told_of_it_with_its_change_before_they_are_watched() -> None:
    left = Left()
    events = await left.go()
    [message] = left.shop.notifier.sent
    assert message.title.startswith("Over to you")
    assert "+ tier: web" in message.lines
    kinds = [event.kind for event in events]
    assert kinds.index(EventKind.NOTIFIED) < kinds.index(EventKind.CLOSED) < kinds.index(EventKind.COMPARED)


@pytest.mark.parametrize(
    ("people", "agreement"),
    [
        (select({"app": "cart", "tier": "web"}), Agreement.SAME_CHANGE),
        (select({"app": "cart"}), Agreement.SAME_FIELD),
        (change_type, Agreement.OTHER_CHANGE),
        (scale, Agreement.ELSEWHERE),
        (recover_alone, Agreement.BY_ITSELF),
        (select({"app": "cart", "tier": "web"}, "kube-controller-manager"), Agreement.BY_ITSELF),
    ],
    ids=["same", "same-field", "other", "elsewhere", "by-itself", "by-a-controller"],
)
async def test_what_people_did_is_held_against_the_proposal(
    people: Callable[[MisroutedShop], Awaitable[None]], agreement: Agreement
) -> None:
    found = comparison(await Left(people).go())
    assert found.agreement is agreement, found.reason
    assert found.mended_at == objects.NOW + TEN
    assert bool(found.changes) is (agreement is not Agreement.BY_ITSELF)


async def test_who_changed_the_object_is_noted_when_it_is_seen() -> None:
    async def change_and_fail(shop: MisroutedShop) -> None:
        edit(shop, SERVICE, {"selector": {"app": "card"}})

    events = await Left(change_and_fail).go()
    [noticed] = [event for event in events if event.kind is EventKind.NOTICED]
    [change] = KubeObject(noticed.body).trees("changes")
    assert (change.text("by"), change.time("at")) == ("kubectl-edit", objects.NOW + TEN)
    assert comparison(events).agreement is Agreement.NOT_HEALED


async def test_a_fault_that_lasts_is_watched_for_the_horizon_and_no_longer() -> None:
    left = Left()
    found = comparison(await left.go())
    assert (found.agreement, found.mended_at) == (Agreement.NOT_HEALED, None)
    assert left.diary.now() == objects.NOW + timedelta(hours=6)


async def test_looks_become_rare_and_their_number_is_bounded() -> None:
    pauses = Left().shop.stages.verification.pauses()
    assert sum(pauses, timedelta()) == timedelta(hours=6)
    assert pauses[0] == timedelta(minutes=1)
    assert max(pauses) == timedelta(minutes=15)
    assert len(pauses) < 35


async def test_looks_that_fail_are_left_out_and_the_ending_stands() -> None:
    left = Left(select({"app": "cart", "tier": "web"}))
    reader = left.shop.cluster
    get = reader.get

    async def away(ref: ObjectRef) -> KubeObject | None:
        if objects.NOW + timedelta(minutes=2) < left.diary.now() < objects.NOW + timedelta(hours=1):
            raise ClusterUnavailable("refused")
        return await get(ref)

    reader.get = away  # type: ignore[method-assign]
    events = await left.go()
    assert comparison(events).agreement is Agreement.SAME_CHANGE
    [closed] = [event for event in events if event.kind is EventKind.CLOSED]
    assert closed.body["ending"] == Ending.ESCALATED


async def test_where_nothing_can_be_read_at_the_end_it_is_not_known_what_people_did() -> None:
    left = Left()
    reader = left.shop.cluster
    get = reader.get

    async def gone(ref: ObjectRef) -> KubeObject | None:
        if left.diary.now() > objects.NOW:
            raise ClusterUnavailable("refused")
        return await get(ref)

    reader.get = gone  # type: ignore[method-assign]
    assert comparison(await left.go()).agreement is Agreement.NOT_KNOWN
