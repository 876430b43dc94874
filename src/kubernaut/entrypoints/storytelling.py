"""The demo with the whole story: models that die on the way, thirty recorded days, and chapters after the scenarios."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kubernaut.adapters.store import open_store
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event, EventKind
from kubernaut.entrypoints.chapters import (
    Chapter,
    Deciding,
    by_incident,
    deciding,
    learning_chapter,
    models_chapter,
    value_chapter,
)
from kubernaut.entrypoints.doors import DemoOptions, Ended, Happening, Staged
from kubernaut.entrypoints.fastforward import moved, recorded_month
from kubernaut.entrypoints.readiness.assessing import assess, assessment_sheet
from kubernaut.entrypoints.readiness.checklist import CHECKS
from kubernaut.entrypoints.readiness.ground import Ground
from kubernaut.entrypoints.rehearsal import DEMO_VALUE, POLICY, Rehearsal, Stage, rehearse_on
from kubernaut.entrypoints.value.summary import gather_summary
from kubernaut.impact.period import Period
from kubernaut.sandbox.scenarios import SCENARIOS
from kubernaut.sandbox.stand_in import StandIn

# The stand-ins for language models, the first of which is killed when half of the scenarios have ended.
_MODELS = ("local", "backup")
_THINKS_S = 0.3
_MONTH = timedelta(days=30)
# What is looked at for guards reaches a day back: what was recorded has no say in it.
_BEFORE = timedelta(hours=25)


@asynccontextmanager
async def tell_story(options: DemoOptions, policy: Mapping[str, float] = POLICY) -> AsyncIterator[WholeStory]:
    """A running demo, taken down whole at the end; `policy` are its settings of that name."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kubernaut-demo-")))
        models = [await stack.enter_async_context(StandIn(latency_s=_THINKS_S)) for _ in _MODELS]
        stage = Stage(folder / "demo.sqlite", settings={**_settings(models), "policy": {**policy}})
        recorded = await _take_in_month(stage.database)
        rehearsal = await stack.enter_async_context(rehearse_on(stage, options))
        yield WholeStory(rehearsal, models, recorded)


def _settings(models: Sequence[StandIn]) -> dict[str, object]:
    """A model is asked about everything that the memory does not know, and money has its assumptions."""
    providers = [
        {"name": name, "model": "stand-in", "endpoint": one.url} for name, one in zip(_MODELS, models, strict=True)
    ]
    return {
        "models": {"providers": providers, "ask_below": 1.0},
        "memory": {"repeat_successes": 1},
        "value": {**DEMO_VALUE},
    }


async def _take_in_month(database: Path) -> int:
    """How many incidents the recorded days have."""
    store = open_store(f"sqlite:///{database}")
    try:
        return await store.take_in(moved(recorded_month(), ends=datetime.now(UTC) - _BEFORE))
    finally:
        store.close()


@dataclass
class WholeStory:
    """A rehearsal with what belongs around it; `recorded` incidents were there before it began."""

    rehearsal: Rehearsal
    models: Sequence[StandIn]
    recorded: int

    @property
    def scenarios(self) -> Sequence[str]:
        """The names of the scenarios that are going to be played."""
        return self.rehearsal.scenarios

    async def happenings(self) -> AsyncIterator[Happening]:
        """What happens, as it happens; the first model dies on the way."""
        ended = 0
        async for happening in self.rehearsal.happenings():
            yield happening
            ended += isinstance(happening, Ended)
            if isinstance(happening, Ended) and ended == max(1, len(self.scenarios) // 2):
                self.models[0].kill()
                yield Staged(f"the model {_MODELS[0]} was killed; {_MODELS[1]} is next")

    async def chapters(self, page: str) -> AsyncIterator[Chapter]:
        """Models, learning, value and readiness, from what was stored."""
        own = by_incident(await self._live_events())
        asked = [event for events in own.values() for event in events if event.kind is EventKind.MODEL_ASKED]
        decided = sum(any(event.kind is EventKind.PLANNED for event in events) for events in own.values())
        yield models_chapter(asked, decided=decided, opened=len(own))
        yield learning_chapter(self._repeats(own))
        service, now = self.rehearsal.service, self.rehearsal.sandbox.clock.now()
        inputs = service.stages.impact.inputs
        summary = await gather_summary(service.outside.store.incidents, Period(now - _MONTH - _BEFORE, now), inputs)
        yield value_chapter(summary, recorded=self.recorded, page=page)
        quick = [check for check in CHECKS if check.quick]
        found = await assess(
            quick,
            Ground(inputs, "for the demo", quick=True, options=" --quick"),
            at=datetime.now(UTC),
            folder=None,
            say=_silent,
        )
        sheet = assessment_sheet(found)
        yield Chapter("READINESS", (sheet.title, *sheet.summary, "Every check: kubernaut readiness"))

    async def _live_events(self) -> list[Event]:
        """What was stored since the scenarios began."""
        store, found = self.rehearsal.service.outside.store.incidents, list[Event]()
        after = self.rehearsal.first_seq
        while page := await store.events(after=after):
            found += page
            after = page[-1].seq
        return found

    def _repeats(self, own: Mapping[IncidentId, Sequence[Event]]) -> dict[str, tuple[Deciding | None, Deciding | None]]:
        speed, known = self.rehearsal.sandbox.clock.speed, self.rehearsal.incidents
        found = {}
        for scenario in SCENARIOS:
            if scenario.after in known and scenario.name in known:
                both = [own.get(known[name], ()) for name in (scenario.after, scenario.name)]
                found[scenario.after] = (deciding(both[0], speed=speed), deciding(both[1], speed=speed))
        return found


def _silent(_line: str) -> None:
    """Says nothing of the checks while they run."""
