"""Whether an incident may still be acted on, asked just before the write: hours may lie between decision and write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.execution import Refused
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import EventKind
from kubernaut.engine.codec import load
from kubernaut.planning.guards import Autonomy, Situation, standing_refusal
from kubernaut.planning.surveying import survey
from kubernaut.ports import Clock, ClusterReader, IncidentStore, Switch


@dataclass(frozen=True, slots=True)
class Permit:
    """Asks the guards that no consent lifts, as everything is now."""

    reader: ClusterReader
    incidents: IncidentStore
    switch: Switch
    clock: Clock

    async def objection(self, incident: Incident) -> Refused | None:
        """Why nothing may be begun for the incident any more; None where it may."""
        told = await self.incidents.events(incident.id, kinds=(EventKind.DIAGNOSED,))
        best = load(Diagnosis, told[-1].body["diagnosis"]).best if told else None
        target = best.target if best else incident.target
        seen = await survey(self.reader, target)
        situation = Situation(
            target=target,
            best=best,
            firing=await self.incidents.still_firing(incident.id),
            # Whether it may be done without asking was decided; whether it may be done at all is asked here.
            scope=seen.scope(Autonomy.AUTO),
            suspension=await self.switch.suspension(),
            history=(),
            now=self.clock.now(),
            began=incident.started_at,
            patience=timedelta(),
            pause=seen.pause(),
        )
        plan = standing_refusal(situation)
        return Refused(plan.guard, plan.reason, plan.help) if plan else None
