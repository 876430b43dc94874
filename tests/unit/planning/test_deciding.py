"""What planning decides beside other incidents on the same object."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.leases import MemoryLeases
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.memory.switch import MemorySwitch
from kubernaut.domain.diagnosis import ActionId, CauseId
from kubernaut.domain.execution import Applied, Execution
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.plans import Decision, Plan, Standing, lease_name
from kubernaut.engine.codec import dump
from kubernaut.planning.guardrails import guardrails
from kubernaut.planning.guards import Autonomy
from kubernaut.planning.planning import PlanningPolicy, PlanningStage
from tests.objects import namespace
from tests.told import CHECKOUT, NOON, ROLLBACK, Teller, a_diagnosis, a_store, an_intent


@dataclass
class Desk:
    """The planning of a second incident, moments after a first one acted on the same object."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    store: MemoryIncidentStore = field(default_factory=a_store)

    def __post_init__(self) -> None:
        self.leases = MemoryLeases(self.clock)
        managed = namespace(CHECKOUT.namespace, labels={"kubernaut.ai/managed": "true"})
        policy = PlanningPolicy(
            Autonomy.AUTO, cooldown=timedelta(minutes=10), patience=timedelta(), busy_for=timedelta(minutes=20)
        )
        cluster = MemoryCluster([dict(managed.raw)])
        self.planning = PlanningStage(
            cluster, self.store, self.leases, MemorySwitch(), self.clock,
            _no_records, frozenset(), policy, guardrails(cluster, self.store, self.clock, MemoryMeter()),
        )  # fmt: skip

    @property
    def first(self) -> IncidentId:
        return Teller(self.store).id

    async def act_first(self) -> None:
        await Teller(self.store).receive()
        await self.leases.acquire(lease_name(CHECKOUT), self.first, duration=timedelta(minutes=20))
        body = {"execution": dump(Execution(an_intent(), Applied.DONE, "", NOON))}
        await self.store.append(Event(self.first, "applied-1", EventKind.APPLIED, NOON, body, about=str(CHECKOUT)))

    async def plan(self) -> Plan:
        teller = replace(Teller(self.store), number=2)
        await teller.receive()
        await teller.diagnose()
        incident = await self.store.get(teller.id)
        assert incident is not None
        return await self.planning.plan(incident, a_diagnosis(), look=1, tried=())


async def _no_records(cause: CauseId, namespace: str) -> dict[ActionId, Standing]:  # noqa: ARG001
    return {}


async def test_a_remedy_that_another_incident_still_watches_is_waited_for() -> None:
    desk = Desk()
    await desk.act_first()
    plan = await desk.plan()
    assert (plan.decision, plan.guard) == (Decision.WAIT, "resource_busy")


async def test_a_remedy_that_was_just_tried_and_is_watched_no_more_is_for_people() -> None:
    desk = Desk()
    await desk.act_first()
    await desk.leases.release(lease_name(CHECKOUT), desk.first)
    plan = await desk.plan()
    assert (plan.decision, plan.guard, plan.ending) == (Decision.CLOSE, "cool_down", Ending.ESCALATED)
    assert await desk.leases.acquire(lease_name(CHECKOUT), desk.first, duration=timedelta(minutes=1))


async def test_after_the_cool_down_the_remedy_may_be_tried_again() -> None:
    desk = Desk()
    await desk.act_first()
    await desk.leases.release(lease_name(CHECKOUT), desk.first)
    await desk.clock.advance(timedelta(minutes=11))
    plan = await desk.plan()
    assert plan.decision is Decision.ACT
    assert plan.chosen is not None
    assert plan.chosen.call == ROLLBACK
