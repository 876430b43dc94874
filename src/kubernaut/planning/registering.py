"""How a plan is stored: within the budgets, and with the target that it is going to act on held for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType

from kubernaut.domain.errors import StoreUnavailable
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.objects import JsonObject
from kubernaut.domain.plans import Decision, Plan, lease_name
from kubernaut.engine.codec import dump
from kubernaut.planning.budgeting import BUDGET, over_budget
from kubernaut.planning.choosing import Settled
from kubernaut.planning.guardrails import Guardrails
from kubernaut.planning.guards import close
from kubernaut.planning.policy.document import Effect
from kubernaut.planning.policy.facts import BlastFacts
from kubernaut.planning.policy.ruling import Policy
from kubernaut.planning.surveying import blast_of
from kubernaut.ports import Clock, ClusterReader, IncidentStore, Leases

# Where an incident is after the decision; consent is asked for by the next stage, and an end is the pipeline's.
_PHASE_AFTER: Mapping[Decision, Phase | None] = MappingProxyType(
    {Decision.ACT: Phase.EXECUTION, Decision.ASK: None, Decision.WAIT: Phase.INVESTIGATION, Decision.CLOSE: None}
)
_BUDGETS = "budgets"
_BRIEFLY = timedelta(seconds=10)
# Ten seconds in all, as long as the lease of whoever has it can last.
_PURSE_TRIES, _PURSE_PAUSE = 40, timedelta(milliseconds=250)


@dataclass(frozen=True, slots=True)
class Entry:
    """The event that a plan is stored in."""

    key: str
    kind: EventKind
    body: JsonObject = field(default_factory=dict)
    about: str = ""


@dataclass(frozen=True, slots=True)
class Register:
    """Where plans are entered. `busy_for` is how long a target belongs to the incident that acts on it."""

    reader: ClusterReader
    incidents: IncidentStore
    leases: Leases
    clock: Clock
    rails: Guardrails
    busy_for: timedelta

    async def enter(self, incident: Incident, settled: Settled, law: Policy, entry: Entry) -> Settled:
        """The plan as it could be stored: within the budgets, which one decision at a time may look at and spend."""
        chosen = settled.plan.chosen
        if settled.plan.decision is not Decision.ACT or not law.document.budgets or chosen is None:
            await self._append(incident, settled, entry)
            return settled
        # Read before others have to wait: the purse is nobody's again while a slow API server is asked.
        blast = blast_of(chosen.call, await self.reader.get(chosen.call.target))
        # Within this process a lock, between processes a lease: the lease alone would have a hundred decisions poll for
        # it.
        async with self.rails.turn:
            await self._take_purse(incident)
            try:
                settled = await self._within_budgets(incident, settled, law, blast, entry)
                await self._append(incident, settled, entry)
            finally:
                await self.leases.release(_BUDGETS, incident.id)
        return settled

    async def _append(self, incident: Incident, settled: Settled, entry: Entry) -> None:
        plan = settled.plan
        acts = plan.decision is Decision.ACT and plan.chosen is not None
        # Budgets are counted from the decisions that are about an object.
        about = str(plan.chosen.call.target) if acts and plan.chosen else entry.about
        told: JsonObject = {**entry.body, "plan": dump(plan), "ruling": settled.ruling}
        event = Event(incident.id, entry.key, entry.kind, self.clock.now(), told, about=about)
        await self.incidents.append(event, phase=_PHASE_AFTER[plan.decision], guard=plan.guard)
        self.rails.meter.count("decisions", decision=plan.decision.value, guard=plan.guard)

    async def _take_purse(self, incident: Incident) -> None:
        """Waits until no other replica spends; raises `StoreUnavailable`, which is tried again, where that lasts."""
        for _ in range(_PURSE_TRIES):
            if await self.leases.acquire(_BUDGETS, incident.id, duration=_BRIEFLY):
                return
            await self.clock.sleep(_PURSE_PAUSE)
        raise StoreUnavailable("another replica is spending from the budgets")

    async def _within_budgets(
        self, incident: Incident, settled: Settled, law: Policy, blast: BlastFacts, entry: Entry
    ) -> Settled:
        """Over a budget a person is asked; who has just consented has consented to that too."""
        plan, now = settled.plan, self.clock.now()
        if plan.chosen is None:
            return settled
        call, consented = plan.chosen.call, entry.kind is EventKind.APPROVED
        spent = await self.rails.ledger.spent(now, apart_from=(incident.id, entry.key))
        over = over_budget(law.document.budgets, spent, blast, namespace=call.target.namespace, now=now)
        hard = [each for each in over if each.effect is Effect.DENY]
        decisive = next(iter(hard or ([] if consented else over)), None)
        if decisive is None:
            return settled
        # Nothing is done now, so the target is free for others while a person thinks.
        await self.leases.release(lease_name(call.target), incident.id)
        if hard:
            return replace(settled, plan=close(Ending.ESCALATED, decisive.reason, BUDGET, rule=decisive.rule))
        asked = replace(plan, decision=Decision.ASK, reason=decisive.reason, guard=BUDGET, rule=decisive.rule)
        return replace(settled, plan=asked)

    async def take(self, incident: Incident, plan: Plan) -> bool:
        """Whether the target of the plan is the incident's to act on, from now on."""
        if plan.chosen is None:
            return True
        name = lease_name(plan.chosen.call.target)
        return await self.leases.acquire(name, incident.id, duration=self.busy_for)
