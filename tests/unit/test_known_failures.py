"""What automation of this kind got wrong elsewhere, gone the whole way here: alert in, and the cluster looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from kubernaut.adapters.memory.engine import MemoryEngine
from kubernaut.domain.errors import StoreUnavailable
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import EventKind
from kubernaut.domain.objects import Tree
from kubernaut.domain.signals import AlertKey, Signal, SignalId
from kubernaut.healing.deciding import DECISION
from kubernaut.pipeline import admit, beginning
from tests import objects
from tests.misrouted_shop import SERVICE, MisroutedShop

RIGHT = {"app": "cart", "tier": "web"}
WRONG = {"app": "cart", "tier": "wbe"}
ON_THE_SELECTOR, ON_THE_PORT = "service_selector_wrong", "service_port_wrong"


@dataclass
class Duty:
    """The shop with its engine, as alerts come and people answer."""

    shop: MisroutedShop
    engine: MemoryEngine
    alerts: int = field(default=0)

    def alert(self, *, firing: bool = True, again: bool = False, **labels: str) -> Signal:
        self.alerts += not again
        now = self.shop.clock.now()
        plain = self.shop._signal(firing=firing)
        number = SignalId(f"{'firing' if firing else 'resolved'}-{self.alerts}")
        return replace(
            plain, id=number, alert_key=AlertKey(f"alert-{self.alerts}"), labels={**plain.labels, **labels},
            starts_at=now - timedelta(minutes=2),
            name=labels.get("alertname", plain.name), ends_at=None if firing else now, received_at=now,
        )  # fmt: skip

    async def recover(self) -> None:
        """The pods are reached, and the newest alert ends."""
        self.shop.cluster.put(self.shop._served())
        await self.shop.stages.triage.admit(self.alert(firing=False, again=True))

    async def admit(self, signal: Signal) -> None:
        await admit(signal, self.shop.stages, self.engine)

    async def fire(self, **labels: str) -> Incident:
        """The incident of a new alert, as it was opened."""
        await self.admit(self.alert(**labels))
        return await self.last()

    async def last(self) -> Incident:
        return max(self.shop.incidents._incidents.values(), key=lambda one: one.id)

    async def end(self, incident: Incident) -> Incident:
        await self.engine.outcome(incident.id)
        ended = await self.shop.incidents.get(incident.id)
        assert ended is not None
        return ended

    async def answer(self, incident: Incident, *, approved: bool) -> Incident:
        """The incident after a person's answer; it is sent ahead and heard when it is asked for."""
        await self.engine.send(incident.id, DECISION, {"approved": approved, "by": "anna", "reason": "we are on it"})
        return await self.end(incident)

    async def asked_for(self, incident: Incident) -> list[str]:
        events = await self.shop.incidents.events(incident.id, kinds=(EventKind.ASKED,))
        return [Tree(event.body).text("plan", "chosen", "call", "action") for event in events]

    def break_selector(self) -> None:
        self._put(WRONG, "http")

    def break_port(self) -> None:
        self._put(RIGHT, "htp")

    def _put(self, selector: dict[str, str], port: str) -> None:
        front = objects.service("cart", selector, {"name": "http", "port": 80, "targetPort": port, "protocol": "TCP"})
        self.shop.cluster.put(dict(front.raw))
        found = self.shop._served() if selector == RIGHT else dict(objects.endpoint_slice(front).raw)
        self.shop.cluster.put(found)


@asynccontextmanager
async def on_duty(autonomy: str = "auto", *, look_back: timedelta = timedelta()) -> AsyncIterator[Duty]:
    shop = MisroutedShop(autonomy=autonomy)
    planning = shop.stages.planning
    shop.stages = replace(
        shop.stages,
        planning=replace(planning, policy=replace(planning.policy, look_back=look_back, cooldown=timedelta(minutes=1))),
    )
    async with MemoryEngine(shop.workflow, shop.clock) as engine:
        duty = Duty(shop, engine)
        shop.recover = duty.recover  # type: ignore[method-assign]
        yield duty


async def test_an_alert_that_was_resolved_before_its_incident_got_a_turn_changes_nothing() -> None:
    async with on_duty() as duty:
        await duty.shop.stages.triage.admit(duty.alert())
        await duty.shop.stages.triage.admit(duty.alert(firing=False, again=True))
        incident = await duty.last()
        await duty.engine.start(incident.id, beginning(incident))
        ended = await duty.end(incident)
        assert (ended.ending, duty.shop.written, duty.shop.selector()) == ("self_resolved", [], WRONG)


async def test_consent_to_a_remedy_whose_alert_was_resolved_meanwhile_changes_nothing() -> None:
    async with on_duty("approve") as duty:
        incident = await duty.fire()
        await duty.shop.stages.triage.admit(duty.alert(firing=False, again=True))
        ended = await duty.answer(incident, approved=True)
        assert (ended.ending, duty.shop.written, duty.shop.selector()) == ("self_resolved", [], WRONG)


async def test_an_alert_whose_incident_could_not_be_stored_waits_and_is_mended_later() -> None:
    async with on_duty() as duty:
        signal = duty.alert()
        await duty.shop.inbox.accept([signal])
        store, shop = duty.shop.incidents.admit, duty.shop

        async def down(*_: object, **__: object) -> None:
            raise StoreUnavailable("the disk is full")

        shop.incidents.admit = down  # type: ignore[method-assign, assignment]
        with pytest.raises(StoreUnavailable):
            await duty.admit(signal)
        assert await shop.inbox.waiting(10) == [signal]

        shop.incidents.admit = store  # type: ignore[method-assign]
        await duty.admit(signal)
        assert await shop.inbox.waiting(10) == []
        ended = await duty.end(await duty.last())
        assert (ended.ending, shop.selector()) == ("healed", RIGHT)


async def test_a_fix_that_was_just_rejected_is_neither_made_nor_asked_for_by_the_next_alert() -> None:
    async with on_duty("approve") as duty:
        rejected = await duty.answer(await duty.fire(), approved=False)
        await duty.shop.clock.advance(timedelta(minutes=10))
        again = await duty.fire()
        assert again.id != rejected.id
        ended = await duty.end(again)
        assert (ended.ending, ended.guard) == ("declined", "rejected")
        assert await duty.asked_for(again) == []
        assert (duty.shop.written, duty.shop.selector()) == ([], WRONG)


async def test_within_the_look_back_of_the_alert_no_second_remedy_is_put_on_a_mended_object() -> None:
    async with on_duty(look_back=timedelta(minutes=30)) as duty:
        await duty.end(await duty.fire())
        assert len(duty.shop.written) == 1
        await duty.shop.clock.advance(timedelta(minutes=10))
        duty.break_selector()
        await duty.end(await duty.fire())
        assert (len(duty.shop.written), duty.shop.selector()) == (1, WRONG)


async def test_after_the_look_back_the_same_fault_is_mended_again() -> None:
    async with on_duty(look_back=timedelta(minutes=8)) as duty:
        await duty.end(await duty.fire())
        await duty.shop.clock.advance(timedelta(minutes=20))
        duty.break_selector()
        ended = await duty.end(await duty.fire())
        assert (ended.ending, len(duty.shop.written), duty.shop.selector()) == ("healed", 2, RIGHT)


async def test_a_new_fault_of_an_object_is_asked_about_though_an_old_one_was_declined() -> None:
    async with on_duty("approve") as duty:
        first = await duty.fire()
        await duty.answer(first, approved=False)
        await duty.shop.clock.advance(timedelta(minutes=10))
        duty.break_port()
        other = await duty.fire()
        await duty.answer(other, approved=True)
        assert await duty.asked_for(first) == ["fix_service_selector"]
        assert await duty.asked_for(other) == ["fix_service_port"]
        [change] = duty.shop.written
        assert change.target == SERVICE


@pytest.mark.parametrize("severity", ["none", "info", "warning", "critical", "sev0", ""])
@pytest.mark.parametrize(("autonomy", "ending"), [("observe", "declined"), ("suggest", "escalated")])
async def test_no_severity_makes_a_label_give_way(severity: str, autonomy: str, ending: str) -> None:
    async with on_duty(autonomy) as duty:
        ended = await duty.end(await duty.fire(severity=severity))
        assert (ended.ending, duty.shop.written, duty.shop.selector()) == (ending, [], WRONG)
