"""The stage: looks at what was changed, again and again, until it is sure whether that helped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.execution import Effect, Intent, Observation, Verification
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import JsonObject
from kubernaut.domain.plans import Course
from kubernaut.engine.codec import dump
from kubernaut.ports import Clock, ClusterReader, IncidentStore, Metrics
from kubernaut.verification.judging import KeepWatching, VerificationPolicy, judge
from kubernaut.verification.observing import observe

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
