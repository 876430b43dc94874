"""What people order: consent, refusal, undo, suspension. Each answers in words, or says why it is not taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kubernaut.domain.diagnosis import ActionCall, Parameter
from kubernaut.domain.errors import OrderRefused, UnknownName
from kubernaut.domain.incidents import Incident, IncidentId
from kubernaut.domain.journal import OF_ATTEMPTS, EventKind, unsettled_attempt
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import JsonObject
from kubernaut.domain.plans import Plan
from kubernaut.engine import Engine, RunState
from kubernaut.engine.codec import dump, load
from kubernaut.healing.deciding import DECISION
from kubernaut.planning.consent import option_number, with_parameters
from kubernaut.ports import Clock, IncidentStore, Suspension, Switch


@dataclass(frozen=True, slots=True)
class Consent:
    """Who consents and why, to which option (its number, 1 being the proposal, or its action), with which changes."""

    by: str
    reason: str = ""
    choice: int | str = 1
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Orders:
    """Takes orders; what they lead to is done by the incident's own run.

    `check` raises `InputError` for a call whose parameters the catalogue does not take.
    """

    engine: Engine
    incidents: IncidentStore
    switch: Switch
    clock: Clock
    check: Callable[[ActionCall], object]

    async def approve(self, incident: IncidentId, answer: Consent) -> str:
        """Consent to what the incident asks for, or to another of its options, with parameters within bounds."""
        plan, key = await self._question(incident)
        number = option_number(plan, answer.choice)
        if number is None:
            options = ", ".join(f"{place} {each.call.action}" for place, each in enumerate(plan.options, 1))
            raise OrderRefused(f"there is no option {str(answer.choice)[:80]} here", help=f"the options are: {options}")
        if plan.approvers and answer.by not in plan.approvers:
            allowed = ", ".join(plan.approvers)
            raise OrderRefused(f'{answer.by} may not approve this by rule "{plan.rule}"', help=f"these may: {allowed}")
        call = with_parameters(plan.options[number - 1].call, answer.parameters)
        self.check(call)
        body: JsonObject = {"approved": True, "by": answer.by, "reason": answer.reason, "choice": number}
        if answer.parameters:
            body["parameters"] = dict(answer.parameters)
        await self._answer(incident, body, key)
        return f"approved by {answer.by}: {call.action} is being applied"

    async def reject(self, incident: IncidentId, *, by: str, reason: str = "") -> str:
        """No consent: the incident closes as declined."""
        _, key = await self._question(incident)
        body: JsonObject = {"approved": False, "by": by, "reason": reason, "choice": 1}
        await self._answer(incident, body, key)
        return f"rejected by {by}; nothing is done"

    async def undo(self, incident: IncidentId, *, by: str, reason: str = "") -> str:
        """The last applied change of a closed incident taken back; what came of it."""
        known = await self._known(incident)
        if known.is_open:
            raise OrderRefused(f"{incident} is still in {known.phase}: it takes back by itself what does not help")
        if unsettled_attempt(await self.incidents.events(incident, kinds=OF_ATTEMPTS)) is None:
            raise OrderRefused(f"{incident} has nothing to undo: nothing is applied that was not taken back")
        # A number of its own for every attempt: one that was refused may be tried again later.
        attempts = 1
        while (await self.engine.status(f"undo-{attempts}-{incident}")).state is not RunState.UNKNOWN:
            attempts += 1
        run = f"undo-{attempts}-{incident}"
        await self.engine.start(run, {"do": "undo", "incident": dump(known), "by": by, "reason": reason})
        ended = await self.engine.outcome(run)
        if ended.state is not RunState.DONE:
            raise OrderRefused(f"the undo of {incident} failed: {ended.error}")
        return str(ended.result)

    async def suspend(self, *, by: str, reason: str) -> str:
        """No action starts any more."""
        await self.switch.suspend(Suspension(by, reason, self.clock.now()))
        return "all actions are suspended; what is being applied is finished or undone"

    async def resume(self, *, by: str) -> str:
        """Actions may start again."""
        before = await self.switch.suspension()
        await self.switch.resume()
        return f"resumed by {by}; it was suspended by {before.by}" if before else "nothing was suspended"

    async def _question(self, incident: IncidentId) -> tuple[Plan, str]:
        """The plan that the incident asks about, and the key of an answer to it."""
        known = await self._known(incident)
        if known.phase is not Phase.APPROVAL:
            raise OrderRefused(f"{incident} does not wait for consent: it is {known.ending or 'in ' + known.phase}")
        asked = await self.incidents.events(incident, kinds=(EventKind.ASKED,))
        plan = load(Plan, asked[-1].body.get("plan"))
        # Its run may be with a process that died, and hear of it only after the takeover.
        if plan.expires_at is not None and plan.expires_at <= self.clock.now():
            raise OrderRefused(f"the request for consent of {incident} was open until {plan.expires_at:%H:%MZ}")
        # One answer a question: of two people who click at once, the first decides.
        return plan, f"answer-{asked[-1].key}"

    async def _answer(self, incident: IncidentId, body: JsonObject, key: str) -> None:
        if not await self.engine.send(incident, DECISION, body, key=key):
            reason = f"{incident} has its answer already, of a moment ago; that one counts"
            raise OrderRefused(reason, help=f"kubernaut incidents show {incident}")

    async def _known(self, incident: IncidentId) -> Incident:
        found = await self.incidents.get(incident)
        if found is None:
            raise UnknownName(f"no incident {incident[:80]}", help="kubernaut incidents list")
        return found
