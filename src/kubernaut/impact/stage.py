"""The stage: what the incident was worth, from its events and from what the owner declared."""

from __future__ import annotations

from dataclasses import dataclass

from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event, EventKind, told_by_closing
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import JsonObject
from kubernaut.domain.plans import Conclusion
from kubernaut.engine.codec import dump
from kubernaut.impact.ai_metrics import analysis_metrics
from kubernaut.impact.clocks import History
from kubernaut.impact.inputs import ValueInputs
from kubernaut.impact.value import business_value
from kubernaut.ports import Clock, IncidentStore


@dataclass(frozen=True, slots=True)
class ImpactStage:
    """The stage with its ports and the declared inputs."""

    incidents: IncidentStore
    clock: Clock
    inputs: ValueInputs

    async def appraise(self, incident: Incident, conclusion: Conclusion) -> str:
        """Stores the figures of this incident; the time to resolution in words.

        The incident closes right after, so it is valued as it will close.
        """
        now = self.clock.now()
        events = (await self.incidents.events_of([incident.id], kinds=tuple(EventKind)))[incident.id]
        closing = told_by_closing(incident.id, conclusion.ending, reason=conclusion.reason, at=now)
        history = [History(incident, (*events, closing))]
        value = business_value(history, self.inputs)
        body: JsonObject = {"value": dump(value), "analysis": dump(analysis_metrics(history))}
        event = Event(incident.id, "valued", EventKind.VALUED, now, body)
        await self.incidents.append(event, phase=Phase.LEARNING)
        return str(value.time_to_resolution)
