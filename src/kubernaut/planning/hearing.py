"""From a person's answer to a request for consent to the plan that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.domain.plans import Decision, Plan
from kubernaut.engine.codec import dump, load
from kubernaut.planning.casework import Casework
from kubernaut.planning.choosing import Settled
from kubernaut.planning.consent import after_consent, chosen_by
from kubernaut.planning.guardrails import Guardrails
from kubernaut.planning.guards import close
from kubernaut.planning.policy.ruling import Policy
from kubernaut.planning.registering import Entry, Register
from kubernaut.planning.submitting import Submissions
from kubernaut.ports import Clock, IncidentStore


@dataclass(frozen=True, slots=True)
class Hearing:
    """What is made of an answer, held against how everything is by then."""

    incidents: IncidentStore
    clock: Clock
    rails: Guardrails
    casework: Casework
    register: Register
    submissions: Submissions

    async def hear(self, incident: Incident, plan: Plan, heard: Json, *, look: int) -> Plan:
        """The plan after an answer to the request for consent, or after none came in time (`heard` is None).

        Stays `ask` where the message was no answer: one of several alerts was resolved, for instance.
        """
        law = await self.rails.book.current()
        settled = await self._answer(incident, plan, heard, law)
        answered = settled.plan
        if answered.decision is Decision.ASK and answered.expires_at is not None:
            return replace(answered, open_for=max(timedelta(seconds=1), answered.expires_at - self.clock.now()))
        if answered.decision is Decision.ASK or not isinstance(heard, dict) or "approved" not in heard:
            self.rails.meter.count("decisions", decision=answered.decision.value, guard=answered.guard)
            return answered
        approved = heard["approved"] is True
        diagnosis = await self._diagnosed(incident)
        best = diagnosis.best if diagnosis else None
        asked = dump(plan.chosen.call) if plan.chosen else None
        body: JsonObject = {**heard, "asked": asked, "cause": best.cause if best else ""}
        kind = EventKind.APPROVED if approved else EventKind.REJECTED
        # What was rejected is found by the object that it was about.
        about = "" if approved else str(best.target if best else incident.target)
        settled = await self.register.enter(incident, settled, law, Entry(f"answered-{look}", kind, body, about))
        return settled.plan

    async def _diagnosed(self, incident: Incident) -> Diagnosis | None:
        """The last look's diagnosis, which the request for consent rests on."""
        events = await self.incidents.events(incident.id, kinds=(EventKind.DIAGNOSED,))
        return load(Diagnosis, events[-1].body.get("diagnosis")) if events else None

    async def _answer(self, incident: Incident, plan: Plan, heard: Json, law: Policy) -> Settled:
        # Also where nothing was heard: the word of the resolved alert may have been lost with its process.
        if not await self.incidents.still_firing(incident.id):
            reason = "the alert was resolved while consent was awaited"
            return Settled(close(Ending.SELF_RESOLVED, reason, "resolved"), {})
        if heard is None:
            reason = "nobody answered the request for consent in time"
            return Settled(close(Ending.ESCALATED, reason, "approval_expired"), {})
        if not isinstance(heard, dict) or "approved" not in heard or plan.chosen is None:
            return Settled(plan, {})
        if heard["approved"] is not True:
            reason = f"rejected by {heard.get('by')}: {heard.get('reason') or 'no reason given'}"
            return Settled(close(Ending.DECLINED, reason, "rejected"), {})
        return await self._consented(incident, chosen_by(plan, heard), law)

    async def _consented(self, incident: Incident, plan: Plan, law: Policy) -> Settled:
        """Consent lifts the need to ask and nothing else: what may have changed meanwhile is looked at again."""
        diagnosis = await self._diagnosed(incident)
        best = diagnosis.best if diagnosis else None
        if diagnosis is None or best is None or plan.chosen is None:
            return Settled(close(Ending.ESCALATED, "what was consented to is not known any more", "stale"), {})
        docket = await self.casework.open(incident, diagnosis, law)
        weighing = await self.casework.weighing(docket, best, law)
        chosen = await self.submissions.claimed(plan.chosen, weighing)
        settled = after_consent(replace(plan, chosen=chosen), chosen, docket.situation, weighing)
        if settled.plan.decision is Decision.ACT and not await self.register.take(incident, settled.plan):
            target = plan.chosen.call.target
            busy = close(Ending.BLOCKED, f"another incident is acting on {target}", "resource_busy")
            return replace(settled, plan=busy)
        return settled
