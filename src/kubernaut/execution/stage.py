"""The stage: previews, stores the way back, applies, takes back, and tells people.

Every method may run again after a crash; what it stores has a key, and what it does to the cluster looks first whether
it is done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from kubernaut.domain.diagnosis import ActionCall, Diagnosis
from kubernaut.domain.errors import NotifyFailed
from kubernaut.domain.execution import Applied, Execution, Intent, Preview, Refused, Verification
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import OF_ATTEMPTS, Event, EventKind, attempt_of, is_undoing, unsettled_attempt
from kubernaut.domain.lifecycle import FOR_PEOPLE, Ending, Phase
from kubernaut.domain.objects import JsonObject, ObjectRef, Tree
from kubernaut.domain.ownership import Claim
from kubernaut.domain.plans import Candidate, Conclusion, Decision, Plan, lease_name
from kubernaut.domain.proposals import Proposal
from kubernaut.domain.sources import PROPOSE, Submission, Submitted
from kubernaut.engine.codec import dump, load
from kubernaut.execution.attempts import busy_with, intent_of, told_of
from kubernaut.execution.consented import other_than_shown
from kubernaut.execution.owning import claim_on_call, rewriters_in
from kubernaut.execution.previewing import ExecutionPorts, Owners, intend
from kubernaut.execution.proposing import Proposing, draft, submit, withdraw
from kubernaut.execution.sequences import apply, undo
from kubernaut.execution.telling import approval_message, closing_message, with_like
from kubernaut.ports import IncidentStore, Leases, Message, Notifier

# Each is a dry run; a person compares no more than these anyway.
MOST_ALTERNATIVES = 4

# How long a manager is known that wrote again what a remedy had changed.
_REMEMBERED = timedelta(days=7)

# Which finished incidents are alike, most alike first.
Recall = Callable[[Incident, Diagnosis], Awaitable[Sequence[Tree]]]
# Why nothing may be begun for an incident any more.
Objection = Callable[[Incident], Awaitable[Refused | None]]


@dataclass(frozen=True, slots=True)
class ExecutionStage:
    """The stage with its ports. `busy_for` is how long a target belongs to the incident that acts on it."""

    ports: ExecutionPorts
    incidents: IncidentStore
    leases: Leases
    notifier: Notifier
    busy_for: timedelta
    recall: Recall | None = None
    proposing: Proposing = field(default_factory=Proposing)
    objection: Objection | None = None

    async def ask(
        self, incident: Incident, diagnosis: Diagnosis, plan: Plan, *, look: int, open_for: timedelta
    ) -> Plan:
        """The plan, after people were shown the very change by its dry run; closing where that shows it cannot be.

        The alternatives are tried the same way, so that nobody consents to a change that was never shown.
        """
        if plan.chosen is None:
            return plan
        shown = await self._preview(plan.chosen)
        if isinstance(shown, Refused):
            return Plan(Decision.CLOSE, shown.reason, shown.guard, shown.help, ending=Ending.ESCALATED)
        plan = replace(plan, expires_at=self._now() + open_for)
        previews = [dump(shown)]
        others = []
        for candidate in plan.alternatives[:MOST_ALTERNATIVES]:
            tried = await self._preview(candidate)
            if not isinstance(tried, Refused):
                others.append(candidate)
                previews.append(dump(tried))
        plan = replace(plan, alternatives=tuple(others))
        body: JsonObject = {"plan": dump(plan), "preview": previews[0], "previews": previews}
        await self._store(incident, f"asked-{look}", EventKind.ASKED, body, phase=Phase.APPROVAL)
        message = approval_message(incident, diagnosis, plan, shown, question=f"asked-{look}")
        like = await self.recall(incident, diagnosis) if self.recall is not None else ()
        message = replace(message, lines=with_like(message.lines, like))
        await self._notify(incident, f"notified-ask-{look}", message)
        return plan

    async def claim(self, call: ActionCall) -> Claim | None:
        """Who would put back what the call would change, as the cluster is now; None where it would stand."""
        return await claim_on_call(self.ports, call, await self._rewriters(call))

    async def _rewriters(self, call: ActionCall) -> frozenset[str]:
        since, about = self._now() - _REMEMBERED, {str(call.target)}
        return rewriters_in(await self.incidents.events_about(about, since=since, kinds=(EventKind.VERIFIED,)))

    async def _preview(self, candidate: Candidate) -> Preview | Refused:
        """What the remedy would do, shown without doing it."""
        tried = await self._tried(candidate)
        return tried if isinstance(tried, Refused) else tried.preview

    async def _tried(self, candidate: Candidate) -> Intent | Refused:
        call = candidate.call
        if call.action != PROPOSE:
            return await intend(self.ports, call, await self._owners(candidate))
        drafted = await draft(self.ports, self.proposing, call)
        return drafted if isinstance(drafted, Refused) else Intent(drafted.preview, drafted.before, None)

    async def _owners(self, candidate: Candidate) -> Owners:
        return Owners(await self._rewriters(candidate.call), stop_gap=bool(candidate.stop_gap))

    async def submit(
        self, incident: Incident, diagnosis: Diagnosis, call: ActionCall, *, attempt: int, stop_gap: Claim | None = None
    ) -> Submitted:
        """The change proposed to the object's owner, once; the live object is changed beside it by a stop-gap alone."""
        # A stop-gap and its proposal are undone, and refused, each for itself.
        number = _beside(attempt) if stop_gap else str(attempt)
        made = await submit(self.ports, self.proposing, incident, diagnosis, call, stop_gap=stop_gap)
        if isinstance(made, Refused):
            refused = Execution(None, Applied.REFUSED, f"nothing was proposed: {made.reason}", self._now())
            body: JsonObject = {"execution": dump(refused), "guard": made.guard, "help": made.help}
            await self._store(incident, f"refused-{number}", EventKind.REFUSED, body, about=call.target)
            return Submitted("", refused.reason)
        drafted, submission = made
        body = {"submission": dump(submission), "preview": dump(drafted.preview), "owner": drafted.owner}
        await self._store(incident, f"submitted-{number}", EventKind.SUBMITTED, body, about=call.target)
        action = call.parameters.get("action", "")
        reason = f"{call.target} is owned by {drafted.owner}, so {action} was proposed and nothing live was changed"
        return Submitted(submission.address, f"{reason}: {submission.address}")

    async def propose(self, incident: Incident, plan: Plan, *, look: int) -> Proposal:
        """What would be done, by its dry run, for people to do: the first of the plan's remedies that can be done."""
        refused: list[str] = []
        proposal: Proposal | None = None
        for candidate in plan.options[: MOST_ALTERNATIVES + 1]:
            tried = await self._tried(candidate)
            if isinstance(tried, Refused):
                refused.append(f"{candidate.call.action}: {tried.reason}")
                continue
            proposal = Proposal(self._now(), candidate.call, tried, "; ".join(refused), plan.asks)
            break
        if proposal is None:
            proposal = Proposal(self._now(), plan.options[0].call, None, "; ".join(refused), plan.asks)
        stored: JsonObject = {"proposal": dump(proposal)}
        await self._store(incident, f"proposed-{look}", EventKind.PROPOSED, stored, about=proposal.call.target)
        return proposal

    async def intend(self, incident: Incident, chosen: Candidate, *, attempt: int) -> Execution:
        """What is going to be done, stored with the snapshot and the way back before anything is touched."""
        known = await intent_of(self.incidents, incident, attempt)
        if known is not None:
            return Execution(known, Applied.ALREADY, "", self._now())
        call = chosen.call
        busy = await busy_with(self.leases, incident, call.target, self.busy_for)
        intended = busy or await intend(self.ports, call, await self._owners(chosen))
        if isinstance(intended, Intent):
            intended = await other_than_shown(self.incidents, incident, intended) or intended
        now = self._now()
        if isinstance(intended, Refused):
            refused = Execution(None, Applied.REFUSED, intended.reason, now)
            body: JsonObject = {"execution": dump(refused), "guard": intended.guard, "help": intended.help}
            key, phase = f"refused-{attempt}", Phase.INVESTIGATION
            await self._store(incident, key, EventKind.REFUSED, body, phase=phase, about=call.target)
            return refused
        stored: JsonObject = {"intent": dump(intended)}
        await self._store(incident, f"intended-{attempt}", EventKind.INTENDED, stored, about=call.target)
        return Execution(intended, Applied.ALREADY, "", now)

    async def apply(self, incident: Incident, intent: Intent, *, attempt: int) -> Execution:
        """The change, done once: what was told of this attempt already is the answer."""
        told = await told_of(self.incidents, incident, attempt, EventKind.APPLIED, EventKind.REFUSED)
        if told is not None:
            return told
        target = intent.preview.call.target
        done = await apply(replace(self.ports, objection=partial(self._objection, incident, target, attempt)), intent)
        refused = done.applied is Applied.REFUSED
        kind, phase = (EventKind.REFUSED, Phase.INVESTIGATION) if refused else (EventKind.APPLIED, Phase.VERIFICATION)
        body: JsonObject = {"execution": dump(done)}
        await self._store(incident, f"{kind}-{attempt}", kind, body, phase=phase, about=target)
        return done

    async def _objection(self, incident: Incident, target: ObjectRef, attempt: int) -> str:
        if await told_of(self.incidents, incident, attempt, EventKind.APPLIED, EventKind.REFUSED) is not None:
            return "another replica has done it"
        refused = await busy_with(self.leases, incident, target, self.busy_for)
        if refused is None and self.objection is not None:
            refused = await self.objection(incident)
        return refused.reason if refused else ""

    async def undo(self, incident: Incident, intent: Intent, verification: Verification, *, attempt: int) -> Execution:
        """The way back taken, after a verification that did not see the remedy help."""
        return await self._undone(incident, intent, attempt, verification.reason, Phase.INVESTIGATION)

    async def let_go(self, incident: Incident, intent: Intent, *, attempt: int) -> Execution:
        """A step taken back that only prepared for others, since its strategy came to no good end."""
        return await self._undone(incident, intent, attempt, "the strategy that it was a step of did not heal", None)

    async def _undone(
        self, incident: Incident, intent: Intent, attempt: int, why: str, phase: Phase | None
    ) -> Execution:
        told = await told_of(self.incidents, incident, attempt, EventKind.UNDONE)
        if told is not None:
            return told
        back = await self._take_back(incident, intent, str(attempt))
        body: JsonObject = {"execution": dump(back), "why": why}
        key, about = f"{EventKind.UNDONE}-{attempt}", intent.preview.call.target
        await self._store(incident, key, EventKind.UNDONE, body, phase=phase, about=about)
        return back

    async def undo_last(self, incident: Incident, *, by: str, reason: str = "") -> Execution:
        """The last applied change of the incident taken back, because a person wants it."""
        last = unsettled_attempt(await self.incidents.events(incident.id, kinds=OF_ATTEMPTS))
        if last is None:
            return Execution(None, Applied.REFUSED, "nothing is applied that was not taken back", self._now())
        if last.kind is EventKind.SUBMITTED:
            return await self._withdraw(incident, last, by=by, reason=reason)
        intent = load(Intent, last.body.get("intent") or Tree(last.body).tree("execution").at("intent"))
        back = await self._take_back(incident, intent, attempt_of(last))
        body: JsonObject = {"execution": dump(back), "why": reason or "a person wanted it", "by": by}
        # The attempt's number is the key's end, as for an automatic undo. That one may have been refused, and told so.
        key = f"{EventKind.UNDONE}-anew-{attempt_of(last)}"
        if back.applied is not Applied.REFUSED:
            await self._store(incident, key, EventKind.UNDONE, body, about=intent.preview.call.target)
        return back

    async def _take_back(self, incident: Incident, intent: Intent, attempt: str) -> Execution:
        """The way back taken; the proposal that a stop-gap was made beside goes with it."""
        back = await undo(self.ports, intent)
        if intent.stop_gap is None or back.applied is Applied.REFUSED:
            return back
        told = await self.incidents.events(incident.id, kinds=OF_ATTEMPTS)
        events = [each for each in told if attempt_of(each) == _beside(attempt)]
        submitted = next((each for each in events if each.kind is EventKind.SUBMITTED), None)
        if submitted is None or any(is_undoing(each) for each in events):
            return back
        withdrawn = await self._withdraw(incident, submitted, by="kubernaut", reason="its stop-gap was taken back")
        return replace(back, reason=f"{back.reason}; {withdrawn.reason}")

    async def _withdraw(self, incident: Incident, submitted: Event, *, by: str, reason: str) -> Execution:
        back = await withdraw(self.proposing, load(Submission, submitted.body.get("submission")), self._now())
        body: JsonObject = {"execution": dump(back), "why": reason or "a person wanted it", "by": by}
        if back.applied is not Applied.REFUSED:
            key = f"{EventKind.UNDONE}-{attempt_of(submitted)}"
            event = Event(incident.id, key, EventKind.UNDONE, self._now(), body, about=submitted.about)
            await self.incidents.append(event)
        return back

    async def tell(self, incident: Incident, conclusion: Conclusion) -> str:
        """Tells people how it ended; where the message went. A broken channel is noted and blocks nothing."""
        events = await self.incidents.events(incident.id, kinds=(EventKind.DIAGNOSED,))
        diagnosis = load(Diagnosis, events[-1].body["diagnosis"]) if events else None
        message = closing_message(incident, conclusion, diagnosis)
        called = conclusion.ending in FOR_PEOPLE
        return await self._notify(incident, "notified-end", message, phase=Phase.IMPACT, calls=called)

    async def close(self, incident: Incident, conclusion: Conclusion) -> str:
        """Closes the incident and gives back what it held."""
        for event in await self.incidents.events(incident.id, kinds=(EventKind.PLANNED, EventKind.APPROVED)):
            chosen = load(Plan, event.body["plan"]).chosen
            if chosen is not None:
                await self.leases.release(lease_name(chosen.call.target), incident.id)
        await self.incidents.close(
            incident.id, ending=conclusion.ending, reason=conclusion.reason, at=self._now(), guard=conclusion.guard
        )
        return conclusion.ending

    def _now(self) -> datetime:
        return self.ports.clock.now()

    async def _notify(
        self, incident: Incident, key: str, message: Message, *, phase: Phase | None = None, calls: bool = True
    ) -> str:
        try:
            where = await self.notifier.send(message)
            failed = False
        except NotifyFailed as error:
            where, failed = str(error), True
        body: JsonObject = {
            "where": where, "failed": failed, "calls": calls, "title": message.title, "lines": list(message.lines)
        }  # fmt: skip
        await self._store(incident, key, EventKind.NOTIFIED, body, phase=phase)
        return where

    async def _store(
        self,
        incident: Incident,
        key: str,
        kind: EventKind,
        body: JsonObject,
        *,
        phase: Phase | None = None,
        about: ObjectRef | None = None,
    ) -> None:
        event = Event(incident.id, key, kind, self._now(), body, about=str(about) if about else "")
        await self.incidents.append(event, phase=phase)


def _beside(attempt: int | str) -> str:
    """The number of the proposal that goes with a stop-gap."""
    return f"{attempt}s"
