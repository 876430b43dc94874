"""From a diagnosis to a plan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from kubernaut.domain.diagnosis import ActionCall, ActionId, CauseId, Diagnosis, Hypothesis, Verdict
from kubernaut.domain.execution import Execution
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.objects import Json, ObjectRef
from kubernaut.domain.plans import Candidate, Decision, Plan, lease_name
from kubernaut.engine.codec import dump, load
from kubernaut.planning.guards import FAILURES_WINDOW, Autonomy, PastAction, Scope, Situation, objection, scope_of
from kubernaut.planning.ranking import Record, rank
from kubernaut.ports import Clock, ClusterReader, IncidentStore, Leases, Switch

# Where an incident is after the decision; consent is asked for by the next stage, and an end is the pipeline's.
_PHASE_AFTER: Mapping[Decision, Phase | None] = MappingProxyType(
    {Decision.ACT: Phase.EXECUTION, Decision.ASK: None, Decision.WAIT: Phase.INVESTIGATION, Decision.CLOSE: None}
)

COOL_DOWN = "cool_down"
_BRIEFLY = timedelta(seconds=10)

Records = Callable[[CauseId], Awaitable[Mapping[ActionId, tuple[int, int, float]]]]


@dataclass(frozen=True, slots=True)
class PlanningPolicy:
    """`busy_for` is how long a target belongs to the incident that acts on it, unless it gives it back.

    `patience` is how long after its alert a fault without a remedy is watched before people are called.
    """

    autonomy: Autonomy
    cooldown: timedelta
    patience: timedelta
    busy_for: timedelta


@dataclass(frozen=True, slots=True)
class PlanningStage:
    """The stage with its ports. `irreversible` names the actions that are always asked about."""

    reader: ClusterReader
    incidents: IncidentStore
    leases: Leases
    switch: Switch
    clock: Clock
    records: Records
    irreversible: frozenset[ActionId]
    policy: PlanningPolicy

    async def plan(self, incident: Incident, diagnosis: Diagnosis, *, look: int, tried: Sequence[ActionCall]) -> Plan:
        """The plan, stored. An `act` plan holds the target's lease in the incident's name."""
        plan = await self._decide(incident, diagnosis, tried)
        event = Event(incident.id, f"planned-{look}", EventKind.PLANNED, self.clock.now(), {"plan": dump(plan)})
        await self.incidents.append(event, phase=_PHASE_AFTER[plan.decision])
        return plan

    async def _decide(self, incident: Incident, diagnosis: Diagnosis, tried: Sequence[ActionCall]) -> Plan:
        best = diagnosis.best
        target = best.target if best else incident.target
        now = self.clock.now()
        situation = Situation(
            target=target,
            best=best,
            firing=await self.incidents.still_firing(incident.id),
            scope=await self._scope(target),
            suspension=await self.switch.suspension(),
            history=await self._history(target, since=now - max(FAILURES_WINDOW, self.policy.cooldown)),
            now=now,
            began=incident.started_at,
            patience=self.policy.patience,
            alert=incident.alert,
        )
        refused = objection(situation)
        if refused is not None or best is None:
            return refused or _close(Ending.NO_ACTION_NEEDED, "nothing was found", "nothing_found")
        chosen = await self._choose(best, situation, tried)
        if chosen.decision is Decision.ACT:
            busy = not await self._take(incident, chosen)
        else:
            busy = chosen.guard == COOL_DOWN and await self._is_busy(incident, target)
        if busy:
            return Plan(Decision.WAIT, f"another incident is acting on {target}", guard="resource_busy")
        return chosen

    async def _choose(self, best: Hypothesis, situation: Situation, tried: Sequence[ActionCall]) -> Plan:
        since = situation.now - self.policy.cooldown
        cooling = [past.call for past in situation.history if past.at >= since and past.call not in tried]
        # The same action again is the same remedy, by whatever revision number or size it is named this time.
        fresh = [call for call in best.remedies if not _same_action(call, [*tried, *cooling])]
        if not fresh:
            guard, why = (COOL_DOWN, "was applied moments ago") if cooling else ("exhausted", "did not help")
            names = ", ".join(call.action for call in best.remedies)
            return Plan(Decision.CLOSE, f"{names} {why}; a person has to decide", guard=guard, ending=Ending.ESCALATED)
        known = await self.records(best.cause)
        chosen, *others = rank(fresh, record=_record(known))
        asked = self._must_ask(best, situation.scope, chosen.call)
        return Plan(
            Decision.ASK if asked else Decision.ACT,
            asked or f"{best.cause}: {chosen.call.action} is bounded and reversible, and this scope allows it",
            guard="approval" if asked else "allowed",
            chosen=chosen,
            alternatives=tuple(others),
        )

    def _must_ask(self, best: Hypothesis, scope: Scope, call: ActionCall) -> str:
        """Why a person is asked first; empty where none has to be."""
        if call.action in self.irreversible:
            return f"{call.action} is never done without a person's consent"
        if best.verdict is Verdict.APPROVE:
            return f"a remedy for {best.cause} needs a person's consent"
        if scope.autonomy is not Autonomy.AUTO:
            return "this scope acts only with consent"
        return ""

    async def _take(self, incident: Incident, plan: Plan) -> bool:
        if plan.chosen is None:
            return True
        name = lease_name(plan.chosen.call.target)
        return await self.leases.acquire(name, incident.id, duration=self.policy.busy_for)

    async def _is_busy(self, incident: Incident, target: ObjectRef) -> bool:
        """Whether another incident acts on the target: then what it applied is not judged yet, and may still help."""
        name = lease_name(target)
        if not await self.leases.acquire(name, incident.id, duration=_BRIEFLY):
            return True
        await self.leases.release(name, incident.id)
        return False

    async def hear(self, incident: Incident, plan: Plan, heard: Json, *, look: int) -> Plan:
        """The plan after an answer to the request for consent, or after none came in time (`heard` is None).

        Stays `ask` where the message was no answer: one of several alerts was resolved, for instance.
        """
        answered = await self._answer(incident, plan, heard)
        if answered.decision is not Decision.ASK and isinstance(heard, dict) and "approved" in heard:
            kind = EventKind.APPROVED if heard["approved"] is True else EventKind.REJECTED
            event = Event(incident.id, f"answered-{look}", kind, self.clock.now(), {**heard, "plan": dump(answered)})
            await self.incidents.append(event, phase=_PHASE_AFTER[answered.decision])
        return answered

    async def _answer(self, incident: Incident, plan: Plan, heard: Json) -> Plan:
        if heard is None:
            return _close(Ending.ESCALATED, "nobody answered the request for consent in time", "approval_expired")
        if not await self.incidents.still_firing(incident.id):
            return _close(Ending.SELF_RESOLVED, "the alert was resolved while consent was awaited", "resolved")
        if not isinstance(heard, dict) or "approved" not in heard or plan.chosen is None:
            return plan
        if heard["approved"] is not True:
            reason = f"rejected by {heard.get('by')}: {heard.get('reason') or 'no reason given'}"
            return _close(Ending.DECLINED, reason, "rejected")
        return await self._consented(incident, _with_choice(plan, plan.chosen, heard.get("choice")))

    async def _consented(self, incident: Incident, plan: Plan) -> Plan:
        """Consent lifts the need to ask and nothing else: what may have changed meanwhile is looked at again."""
        target = plan.chosen.call.target if plan.chosen else incident.target
        suspension = await self.switch.suspension()
        if suspension is not None:
            reason = f"all actions are suspended by {suspension.by}: {suspension.reason}"
            return _close(Ending.BLOCKED, reason, "suspended", help="kubernaut resume")
        if not (await self._scope(target)).managed:
            return _close(Ending.DECLINED, "the scope is not managed any more", "unmanaged")
        if not await self._take(incident, plan):
            return _close(Ending.BLOCKED, f"another incident is acting on {target}", "resource_busy")
        return replace(plan, decision=Decision.ACT, guard="approved")

    async def _scope(self, target: ObjectRef) -> Scope:
        labels: list[dict[str, str]] = []
        found = await self.reader.get(target)
        if found is not None:
            labels.append(found.labels)
        if target.namespace:
            namespace = await self.reader.get(ObjectRef("v1", "Namespace", "", target.namespace))
            if namespace is not None:
                labels.append(namespace.labels)
        return scope_of(labels, default=self.policy.autonomy)

    async def _history(self, target: ObjectRef, *, since: datetime) -> list[PastAction]:
        events = await self.incidents.events_about(
            str(target), since=since, kinds=(EventKind.APPLIED, EventKind.UNDONE)
        )
        undone = {(event.incident, event.key.rpartition("-")[2]) for event in events if event.kind is EventKind.UNDONE}
        past = []
        for event in events:
            execution = load(Execution, event.body.get("execution"))
            if event.kind is EventKind.APPLIED and execution.intent is not None:
                kept = (event.incident, event.key.rpartition("-")[2]) not in undone
                past.append(PastAction(execution.intent.preview.call, event.at, kept))
        return past


def _close(ending: Ending, reason: str, guard: str, *, help: str = "") -> Plan:  # noqa: A002  # the word users read
    return Plan(Decision.CLOSE, reason, guard=guard, help=help, ending=ending)


def _with_choice(plan: Plan, chosen: Candidate, choice: Json) -> Plan:
    """The plan with the alternative of that number, 1 being the one that was proposed."""
    options = (chosen, *plan.alternatives)
    if not isinstance(choice, int) or not 1 < choice <= len(options):
        return plan
    taken = options[choice - 1]
    return replace(plan, chosen=taken, alternatives=tuple(option for option in options if option is not taken))


def _same_action(call: ActionCall, others: Sequence[ActionCall]) -> bool:
    return any(call.action == other.action and call.target == other.target for other in others)


def _record(known: Mapping[ActionId, tuple[int, int, float]]) -> Record:
    return lambda action: known.get(action, (0, 0, 0.0))
