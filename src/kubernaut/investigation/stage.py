"""The stage: gathers, asks the rules, recalls what is alike, asks a model where the rules are unsure, and stores it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import EventKind
from kubernaut.domain.learning import Recalled
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import JsonObject
from kubernaut.engine.codec import dump
from kubernaut.investigation.second_opinion import SecondOpinion
from kubernaut.ports import Clock, ClusterReader, IncidentStore

Recall = Callable[[Incident, Diagnosis], Awaitable[Sequence[Recalled]]]


@dataclass(frozen=True, slots=True)
class InvestigationStage:
    """The stage with its ports."""

    reader: ClusterReader
    incidents: IncidentStore
    clock: Clock
    recall: Recall
    opinion: SecondOpinion | None

    async def investigate(self, incident: Incident, *, look: int) -> Diagnosis:
        """The diagnosis, stored. Raises a `ClusterError` where the cluster cannot be read: that is no finding."""
        started = self.clock.now()
        diagnosis = await self._diagnose(incident)
        like = await self.recall(incident, diagnosis)
        if like:
            await self._store(
                incident, f"recalled-{look}", EventKind.RECALLED, {"like": [_short(each) for each in like]}
            )
        if self.opinion is not None:
            diagnosis = await self._consult(self.opinion, incident, diagnosis, look)
        took = (self.clock.now() - started).total_seconds()
        body: JsonObject = {"diagnosis": dump(diagnosis), "took_s": took}
        await self._store(incident, f"diagnosed-{look}", EventKind.DIAGNOSED, body, Phase.PLANNING)
        return diagnosis
