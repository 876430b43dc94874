"""What people order: consent, refusal, undo, suspension. Each answers in words, or says why it is not taken."""

from __future__ import annotations

from dataclasses import dataclass

from kubernaut.domain.errors import OrderRefused, UnknownName
from kubernaut.domain.incidents import Incident, IncidentId
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import JsonObject
from kubernaut.engine import Engine, RunState
from kubernaut.engine.codec import dump
from kubernaut.pipeline import DECISION
from kubernaut.ports import Clock, IncidentStore, Suspension, Switch


@dataclass(frozen=True, slots=True)
class Orders:
    """Takes orders; what they lead to is done by the incident's own run."""

    engine: Engine
    incidents: IncidentStore
    switch: Switch
    clock: Clock

    async def approve(self, incident: IncidentId, *, by: str, reason: str = "", choice: int = 1) -> str:
        """Consent to what the incident asks for; `choice` 2 is the first alternative."""
        await self._answer(incident, approved=True, by=by, reason=reason, choice=choice)
        return f"approved by {by}; the remedy is being applied"

    async def reject(self, incident: IncidentId, *, by: str, reason: str = "") -> str:
        """No consent: the incident closes as declined."""
        await self._answer(incident, approved=False, by=by, reason=reason, choice=1)
        return f"rejected by {by}; nothing is done"

    async def undo(self, incident: IncidentId, *, by: str) -> str:
        """The last applied change of a closed incident taken back; what came of it."""
        known = await self._known(incident)
        if known.is_open:
            raise OrderRefused(f"{incident} is still in {known.phase}: it takes back by itself what does not help")
        applied = await self.incidents.events(incident, kinds=(EventKind.APPLIED, EventKind.UNDONE))
        if not applied or applied[-1].kind is EventKind.UNDONE:
            raise OrderRefused(f"{incident} has nothing to undo: nothing is applied that was not taken back")
        # A number of its own for every attempt: one that was refused may be tried again later.
        attempts = 1
        while (await self.engine.status(f"undo-{attempts}-{incident}")).state is not RunState.UNKNOWN:
            attempts += 1
        run = f"undo-{attempts}-{incident}"
        await self.engine.start(run, {"do": "undo", "incident": dump(known), "by": by})
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

    async def _answer(self, incident: IncidentId, *, approved: bool, by: str, reason: str, choice: int) -> None:
        known = await self._known(incident)
        if known.phase is not Phase.APPROVAL:
            raise OrderRefused(f"{incident} does not wait for consent: it is {known.ending or 'in ' + known.phase}")
        asked = await self.incidents.events(incident, kinds=(EventKind.ASKED,))
        # One answer a question: of two people who click at once, the first decides.
        key = f"answer-{asked[-1].key}"
        body: JsonObject = {"approved": approved, "by": by, "reason": reason, "choice": choice}
        await self.engine.send(incident, DECISION, body, key=key)

    async def _known(self, incident: IncidentId) -> Incident:
        found = await self.incidents.get(incident)
        if found is None:
            raise UnknownName(f"no incident {incident[:80]}", help="kubernaut incidents list")
        return found
