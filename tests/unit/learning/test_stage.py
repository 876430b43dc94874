from __future__ import annotations

from dataclasses import dataclass, field

from kubernaut.adapters.embeddings.hashed import HashedEmbedder
from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.patterns import MemoryPatterns
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Tree
from kubernaut.domain.plans import Conclusion
from kubernaut.engine.codec import dump
from kubernaut.learning.stage import LearningStage
from tests.examples import HOLD, a_signal
from tests.unit.learning.test_recalling import NOW, diagnosis, incident

ESCALATED = Conclusion(Ending.ESCALATED, "people look at it")


@dataclass
class Learner:
    """The stage with what it keeps."""

    incidents: MemoryIncidentStore = field(default_factory=lambda: MemoryIncidentStore(MemorySignalStore()))
    patterns: MemoryPatterns = field(default_factory=MemoryPatterns)

    @property
    def stage(self) -> LearningStage:
        return LearningStage(self.incidents, HashedEmbedder(), self.patterns, ManualClock(NOW))

    async def finish(self, of: Incident, found: Diagnosis | None) -> None:
        await self.open(of)
        if found is not None:
            event = Event(of.id, "diagnosed-1", EventKind.DIAGNOSED, NOW, {"diagnosis": dump(found)})
            await self.incidents.append(event)
        await self.stage.remember(of, ESCALATED)

    async def open(self, of: Incident) -> None:
        if await self.incidents.get(of.id) is None:
            await self.incidents.admit(a_signal(alert=of.id), of, hold=HOLD)

    async def alike(self, of: Incident) -> list[str]:
        events = await self.incidents.events(of.id, kinds=(EventKind.RECALLED,))
        return [entry.text("incident") for event in events for entry in Tree(event.body).trees("like")]


async def test_an_incident_that_is_over_tells_which_former_ones_were_alike() -> None:
    learner, first, second = Learner(), incident("inc-1"), incident("inc-2")
    await learner.finish(first, diagnosis(first, "crash_after_change"))
    await learner.finish(second, diagnosis(second, "crash_after_change"))
    assert await learner.alike(first) == []
    assert await learner.alike(second) == ["inc-1"]


async def test_what_was_recalled_before_the_decision_is_not_recalled_again() -> None:
    learner, first, second, third = Learner(), incident("inc-1"), incident("inc-2"), incident("inc-3")
    await learner.finish(first, diagnosis(first, "unknown"))
    await learner.open(third)
    await learner.stage.recall(third, diagnosis(third, "unknown"))
    await learner.finish(second, diagnosis(second, "unknown"))
    await learner.finish(third, diagnosis(third, "unknown"))
    assert await learner.alike(third) == ["inc-1"]


async def test_an_incident_that_was_never_diagnosed_recalls_nothing() -> None:
    learner, first, second = Learner(), incident("inc-1"), incident("inc-2")
    await learner.finish(first, diagnosis(first, "unknown"))
    await learner.finish(second, None)
    assert await learner.alike(second) == []


async def test_what_a_person_took_back_before_the_lesson_was_stored_is_no_success() -> None:
    learner, healed = Learner(), incident("inc-1")
    await learner.open(healed)
    await learner.incidents.append(Event(healed.id, "undone-1", EventKind.UNDONE, NOW, {"by": "ada"}))
    await learner.stage.remember(healed, Conclusion(Ending.HEALED, "it works again"))
    assert [pattern.ending for pattern in await learner.patterns.page(limit=10)] == [Ending.UNDONE]
