"""What people are asked to allow: one card a decision, the soonest to expire first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Phase
from kubernaut.entrypoints.story import Story, summarise
from kubernaut.ports import Clock, IncidentFilter, IncidentStore

_MOST = 100
_KINDS = (EventKind.RECEIVED, EventKind.DIAGNOSED, EventKind.ASKED, EventKind.APPROVED, EventKind.REJECTED)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request with the time at which it escalates by itself."""

    story: Story
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Approvals:
    """The page. `total` counts all that wait, `waiting` are the first hundred."""

    now: datetime
    total: int
    waiting: tuple[Waiting, ...]


async def read_approvals(incidents: IncidentStore, clock: Clock, patience: timedelta) -> Approvals:
    """All that waits for consent now."""
    wanted = IncidentFilter(phase=Phase.APPROVAL, limit=_MOST)
    found = await incidents.find(wanted)
    told = await incidents.events_of([one.id for one in found], kinds=_KINDS)
    stories = [summarise(one, told[one.id]) for one in found]
    waiting = [Waiting(story, story.question.asked_at + patience) for story in stories if story.question]
    waiting.sort(key=lambda one: (one.expires_at, one.story.incident.id))
    return Approvals(clock.now(), await incidents.count(wanted), tuple(waiting))
