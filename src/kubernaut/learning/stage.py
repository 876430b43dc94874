"""The stage: what is alike is recalled, and the finished incident becomes a pattern.

A memory that fails costs the lesson, never the incident.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.errors import KubernautError
from kubernaut.domain.execution import Applied, Execution, Intent
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.learning import Recalled
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import JsonObject, Tree
from kubernaut.domain.plans import Conclusion
from kubernaut.engine.codec import load
from kubernaut.learning.recalling import recall
from kubernaut.learning.remembering import Finish, remember
from kubernaut.learning.repeating import RepeatPolicy, opinion_of
from kubernaut.ports import Clock, Embedder, IncidentStore, Opinion, PatternStore

log = structlog.get_logger(__name__)

# People read no more than these.
_RECALLED = 5

# What was never diagnosed to its end teaches nothing about a cause.
TEACHING = frozenset({Ending.HEALED, Ending.UNDONE, Ending.ESCALATED})


@dataclass(frozen=True, slots=True)
class LearningStage:
    """The stage with its ports."""

    incidents: IncidentStore
    embedder: Embedder
    patterns: PatternStore
    clock: Clock
    repeats: RepeatPolicy = field(default_factory=RepeatPolicy)

    async def remember(self, incident: Incident, conclusion: Conclusion) -> str:
        """Stores the pattern where the ending teaches something; why not, otherwise."""
        if conclusion.ending not in TEACHING:
            return "nothing to learn"
        kinds = (EventKind.DIAGNOSED, EventKind.INTENDED, EventKind.RECALLED, EventKind.MODEL_ASKED)
        events = await self.incidents.events(incident.id, kinds=kinds)
        diagnoses = [load(Diagnosis, event.body["diagnosis"]) for event in events if event.kind is EventKind.DIAGNOSED]
        intents = [load(Intent, event.body["intent"]) for event in events if event.kind is EventKind.INTENDED]
        tokens = sum(Tree(event.body).integer("tokens") for event in events if event.kind is EventKind.MODEL_ASKED)
        call = intents[-1].preview.call if intents else None
        finish = Finish(conclusion.ending, self.clock.now(), call, tokens)
        # The last look of a healed incident was before its remedy, so it is the one that found the cause.
        diagnosis = diagnoses[-1] if diagnoses else None
        if diagnosis is not None and not any(event.kind is EventKind.RECALLED for event in events):
            await self.recall(incident, diagnosis)
        try:
            pattern = await remember(incident, diagnosis, finish, embedder=self.embedder, patterns=self.patterns)
            await self._corrected(incident)
            body: JsonObject = {"text": pattern.text, "embedder": pattern.embedder}
        except KubernautError as error:
            body = {"failed": f"{error.code}: {error}"}
        await self.incidents.append(Event(incident.id, "learned", EventKind.LEARNED, finish.at, body))
        return str(body.get("failed", "remembered"))

    async def _corrected(self, incident: Incident) -> None:
        """The incident is closed while it is learned from, so a person may have taken its remedy back meanwhile."""
        undone = await self.incidents.events(incident.id, kinds=(EventKind.UNDONE,))
        if any("by" in event.body for event in undone):
            await self.patterns.set_outcome(incident.id, Ending.UNDONE)

    async def warm(self) -> None:
        """Loads the model of meaning, so that the first lesson does not hold up incidents that are being watched."""
        with suppress(KubernautError):
            await self.embedder.embed(["ready"])

    async def recall(self, incident: Incident, diagnosis: Diagnosis) -> Opinion | None:
        """Stores which confirmed incidents are alike, most alike first, once an incident.

        What the memory says of it, where it is a repeat of verified ones. A memory that fails says nothing.
        """
        like = await self._recalled(incident, diagnosis)
        return opinion_of(like, incident, diagnosis, self.repeats) if like is not None else None

    async def like(self, incident: Incident, diagnosis: Diagnosis) -> list[Tree]:
        """The like incidents as they were recalled; recalled now where nobody has yet."""
        events = await self.incidents.events(incident.id, kinds=(EventKind.RECALLED,))
        if events:
            return Tree(events[-1].body).trees("like")
        return [Tree(_told(each)) for each in await self._recalled(incident, diagnosis) or ()]

    async def _recalled(self, incident: Incident, diagnosis: Diagnosis) -> list[Recalled] | None:
        """What was recalled and stored, None where the memory failed."""
        limit = max(_RECALLED, self.repeats.successes)
        try:
            like = await recall(incident, diagnosis, embedder=self.embedder, patterns=self.patterns, limit=limit)
        except KubernautError as error:
            log.warning("nothing can be recalled", error=f"{error.code}: {error}")
            return None
        if like:
            body: JsonObject = {"like": [_told(each) for each in like]}
            await self.incidents.append(Event(incident.id, "recalled", EventKind.RECALLED, self.clock.now(), body))
        return like

    async def correct(self, incident: Incident, execution: Execution) -> str:
        """The outcome of an incident whose remedy a person took back: it does not count as a success any more."""
        if execution.applied is Applied.REFUSED:
            return "nothing was taken back"
        try:
            known = await self.patterns.set_outcome(incident.id, Ending.UNDONE)
        except KubernautError as error:
            return f"{error.code}: {error}"
        return "corrected" if known else "not remembered"


def _told(recalled: Recalled) -> JsonObject:
    pattern = recalled.pattern
    return {
        "incident": pattern.id,
        "likeness": round(recalled.likeness, 3),
        "cause": pattern.cause,
        "action": pattern.action,
        "ending": pattern.ending,
        "seconds": pattern.seconds,
        "at": pattern.at.isoformat(),
    }
