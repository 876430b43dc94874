"""The ways that the incident of the misrouted shop may go, on the memory engine."""

from __future__ import annotations

from dataclasses import dataclass

from kubernaut.adapters.memory.engine import MemoryEngine, Moment
from kubernaut.domain.incidents import Incident
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine import Run
from kubernaut.engine.run import RunState
from kubernaut.healing.deciding import DECISION
from kubernaut.investigation.stage import SecondOpinion
from kubernaut.pipeline import beginning
from tests.misrouted_shop import MisroutedShop


@dataclass(frozen=True)
class Way:
    """One way that an incident may go, with what a person answers where it asks."""

    answers: bool
    autonomy: str
    ending: str
    writes: int


WAYS = {
    "healing": Way(answers=True, autonomy="auto", ending="healed", writes=1),
    "undoing": Way(answers=False, autonomy="auto", ending="undone", writes=2),
    "asking": Way(answers=True, autonomy="approve", ending="healed", writes=1),
    "proposing": Way(answers=True, autonomy="suggest", ending="escalated", writes=0),
}


@dataclass
class Journey:
    """An incident that went its way to the end, and how often a process began it."""

    shop: MisroutedShop
    incident: Incident
    argument: JsonObject
    journal: list[tuple[str, Json]]
    begun: int

    @property
    def steps(self) -> list[str]:
        """The names of its steps, without what it waited for."""
        return [name for name, _ in self.journal if not name.startswith(("sleep", "receive"))]


async def go(way: Way, *crashes: tuple[str, Moment], second: SecondOpinion | None = None) -> Journey:
    """The way gone with the process dying at those places."""
    shop = MisroutedShop(way.answers, way.autonomy, second)
    opened = await shop.open_incident()
    argument = beginning(opened)
    begun = 0

    async def workflow(run: Run, argument: JsonObject) -> Json:
        nonlocal begun
        begun += 1
        return await shop.workflow(run, argument)

    async with MemoryEngine(workflow, shop.clock) as engine:
        for step, moment in crashes:
            engine.crash_at(step, moment)
        await engine.start(opened.id, argument)
        await engine.send(opened.id, DECISION, {"approved": True, "by": "ada"})
        for _ in crashes:
            await engine.recover()
        status = await engine.outcome(opened.id)
        journal = engine.entries(opened.id)
    assert status.state is RunState.DONE, status.error
    ended = await shop.incidents.get(opened.id)
    assert ended is not None
    return Journey(shop, ended, argument, journal, begun)
