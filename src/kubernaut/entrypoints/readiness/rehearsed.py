"""The sandbox's scenarios played once, with all that was recorded meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kubernaut.domain.chain import Checked, Recorded
from kubernaut.domain.journal import Event, EventKind, attempt_of
from kubernaut.domain.objects import ObjectRef, Tree
from kubernaut.engine.codec import load
from kubernaut.entrypoints.doors import DemoOptions, Ended, Told
from kubernaut.entrypoints.http.listening import listen
from kubernaut.entrypoints.rehearsal import rehearse
from kubernaut.entrypoints.reports import ScenarioResult
from kubernaut.entrypoints.value.gathering import histories_of
from kubernaut.impact.clocks import History
from kubernaut.ports import ClusterReader, IncidentStore
from kubernaut.sandbox.scenarios import find_scenario

# What `--quick` plays: one that heals, one that is undone, one for people, one left alone, and one fault twice.
QUICK = (
    "image-tag-missing", "memory-far-above-limit", "quota-used-up", "unmanaged-namespace", "image-tag-missing-again",
)  # fmt: skip
_SPEED = 60.0
_LONGEST_S = 480.0


@dataclass(frozen=True, slots=True)
class Played:
    """`restored` says of each incident that was undone whether the object is as its snapshot has it.

    `truths` are the causes that are right, by incident: what each scenario did is known.
    """

    results: tuple[ScenarioResult, ...]
    events: tuple[Event, ...]
    log: tuple[Recorded, ...]
    checked: Checked
    restored: tuple[tuple[str, bool], ...]
    truths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def histories(self) -> list[History]:
        """The incidents, rebuilt from the events."""
        return histories_of(self.events)


async def play(names: Sequence[str]) -> Played:
    """The scenarios of those names, of all where none is given."""
    with listen("127.0.0.1", 0) as listener:
        async with asyncio.timeout(_LONGEST_S), rehearse(DemoOptions(listener, _SPEED, tuple(names))) as run:
            outside = run.service.outside
            results, restored = [], []
            truths: dict[str, tuple[str, ...]] = {}
            async for happening in run.happenings():
                match happening:
                    case Ended(result=result, incident=incident):
                        results.append(result)
                        if incident:
                            truths[incident] = find_scenario(result.name).causes
                    case Told(event=event) if event.kind is EventKind.UNDONE:
                        # Looked at right away: a later incident may rightly change the object again.
                        restored.append(await _restored(event, outside.store.incidents, outside.reader))
                    case _:
                        pass
            log = [event async for page in outside.store.event_log.recorded() for event in page]
            events = await all_events(outside.store.incidents)
            checked = await outside.store.event_log.checked()
    return Played(tuple(results), tuple(events), tuple(log), checked, tuple(restored), truths)


async def all_events(incidents: IncidentStore) -> list[Event]:
    """The whole log."""
    found: list[Event] = []
    while page := await incidents.events(after=found[-1].seq if found else 0, limit=1000):
        found += page
    return found


async def _restored(undone: Event, incidents: IncidentStore, reader: ClusterReader) -> tuple[str, bool]:
    """Whether the spec of the live object is that of the snapshot which the same attempt took."""
    attempt = attempt_of(undone)
    intended = await incidents.events(undone.incident, kinds=(EventKind.INTENDED,))
    intent = next(Tree(event.body).tree("intent") for event in intended if attempt_of(event) == attempt)
    target = load(ObjectRef, intent.at("preview", "call", "target"))
    live = await reader.get(target)
    same = live is not None and live.at("spec") == intent.at("snapshot", "spec")
    return f"{undone.incident} {target}", same
