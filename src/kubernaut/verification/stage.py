"""The stage: looks at what was changed, again and again, until it is sure whether that helped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.execution import Effect, Intent, Observation, Verification
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import JsonObject, Tree
from kubernaut.domain.plans import Course
from kubernaut.domain.proposals import Agreement, Comparison, Proposal, Sight
from kubernaut.engine.codec import dump
from kubernaut.ports import Clock, ClusterReader, IncidentStore, Metrics
from kubernaut.verification.comparing import Findings, compared, own_changes
from kubernaut.verification.judging import KeepWatching, VerificationPolicy, judge
from kubernaut.verification.observing import observe, subject_of
from kubernaut.verification.watching import (
    WatchPolicy,
    alert_ended_at,
    is_over,
    known_around,
    look,
    pods_made_since,
    well_since,
)

# Where the incident is after the verdict; the others end it, which is the pipeline's.
_PHASE_AFTER: Mapping[Effect, Phase] = MappingProxyType(
    {Effect.UNCHANGED: Phase.UNDOING, Effect.WORSE: Phase.UNDOING, Effect.PREPARED: Phase.INVESTIGATION}
)


@dataclass(frozen=True, slots=True)
class VerificationStage:
    """The stage with its ports."""

    reader: ClusterReader
    incidents: IncidentStore
    clock: Clock
    policy: VerificationPolicy
    metrics: Metrics | None = None
    watch: WatchPolicy = field(default_factory=WatchPolicy)

    async def observe(self, incident: Incident, intent: Intent) -> Observation:
        """One look at the target, and at whether the incident's alerts still fire."""
        firing = await self.incidents.still_firing(incident.id)
        call = intent.preview.call
        return await observe(self.reader, call, intent, at=self.clock.now(), alert_firing=firing, metrics=self.metrics)

    def judge(self, seen: Sequence[Observation], course: Course | None = None) -> Verification | KeepWatching:
        """The verdict on what was seen so far, or how long to wait for the next look."""
        if course is None:
            return judge(seen, self.policy)
        return judge(seen, self.policy.lengthened(timedelta(seconds=course.window_s)), prepares=course.prepares)

    async def record(
        self, incident: Incident, diagnosis: Diagnosis, intent: Intent, seen: Sequence[Observation],
        verification: Verification, *, attempt: int, course: Course | None = None,
    ) -> str:  # fmt: skip
        """Stores the verdict, with the cause, the action and the strategy that it counts for; the effect."""
        well = next((each.at for each in seen if each.settled and each.healthy >= each.desired), None)
        body: JsonObject = {
            "verification": dump(verification),
            "cause": diagnosis.best.cause if diagnosis.best else "",
            "action": intent.preview.call.action,
            "namespace": intent.preview.call.target.namespace,
            "watched_s": (seen[-1].at - seen[0].at).total_seconds() if seen else 0.0,
            "looks": len(seen),
            "healthy_at": well.isoformat() if well else None,
            "rewritten_by": seen[-1].drift_by if seen else "",
        }
        if course is not None:
            body |= {"strategy": course.strategy, "step": course.step, "steps": course.of}
        event = Event(
            incident.id,
            f"verified-{attempt}",
            EventKind.VERIFIED,
            verification.at,
            body,
            str(intent.preview.call.target),
        )
        await self.incidents.append(event, phase=_PHASE_AFTER.get(verification.effect))
        return verification.effect

    def pauses(self) -> Sequence[timedelta]:
        """How long to wait before each look at what is left to people; the first look comes before the first wait."""
        return list(self.watch.pauses())

    async def begin_watch(self, incident: Incident, proposal: Proposal) -> Sight:
        """The first look at what is left to people, which the later ones are held against."""
        sight = await self._look(incident, proposal)
        told = await self.incidents.events(incident.id, kinds=(EventKind.DIAGNOSED,))
        diagnosed = Tree(told[-1].body).tree("diagnosis") if told else Tree({})
        return replace(sight, around=await known_around(self.reader, proposal, diagnosed), over=not sight.firing)

    async def go_on_watching(
        self, incident: Incident, proposal: Proposal, *, first: Sight, before: Sight, number: int
    ) -> Sight:
        """A later look; what somebody changed since the last one is noted as it is seen."""
        sight = await self._look(incident, proposal)
        if sight.written_at is not None and sight.written_at != before.written_at:
            target = proposal.call.target
            changes = own_changes(proposal, {target: await self.reader.get(target)})
            body: JsonObject = {"changes": dump(changes)}
            event = Event(incident.id, f"noticed-{number}", EventKind.NOTICED, sight.at, body, str(target))
            await self.incidents.append(event)
        sight = replace(sight, well_since=well_since(sight, before))
        return replace(sight, over=is_over(sight, first, before, steady_for=self.policy.window))

    async def compare(self, incident: Incident, proposal: Proposal, *, first: Sight, last: Sight) -> Comparison:
        """Stores what people did, held against the proposal."""
        resolved = await self.incidents.events(incident.id, kinds=(EventKind.RESOLVED,))
        parts = proposal.intent.parts if proposal.intent else ()
        refs = [proposal.call.target, *(part.preview.change.target for part in parts)]
        refs += [each.object for each in first.around]
        subject = subject_of(proposal.call, proposal.intent) if proposal.intent else proposal.call.target
        found = Findings(
            first,
            last,
            {ref: await self.reader.get(ref) for ref in dict.fromkeys(refs)},
            None if last.firing else alert_ended_at(resolved, began=incident.started_at),
            await pods_made_since(self.reader, subject, proposal.at),
        )
        return await self._conclude(incident, proposal, compared(proposal, found, at=self.clock.now()))

    async def give_up_watch(self, incident: Incident, proposal: Proposal, *, reason: str) -> Comparison:
        """Stores that it is not known what people did."""
        return await self._conclude(incident, proposal, Comparison(Agreement.NOT_KNOWN, reason, self.clock.now()))

    async def _conclude(self, incident: Incident, proposal: Proposal, comparison: Comparison) -> Comparison:
        call = proposal.call
        body: JsonObject = {
            "comparison": dump(comparison), "action": call.action, "proposed_at": proposal.at.isoformat(),
            "asks": proposal.asks, "previewed": proposal.intent is not None,
        }  # fmt: skip
        event = Event(incident.id, "compared", EventKind.COMPARED, comparison.at, body, str(call.target))
        await self.incidents.append(event)
        return comparison

    async def _look(self, incident: Incident, proposal: Proposal) -> Sight:
        firing = await self.incidents.still_firing(incident.id)
        return await look(self.reader, proposal, at=self.clock.now(), firing=firing)
