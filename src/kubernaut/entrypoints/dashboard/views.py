"""What the pages show, read from the store: values alone, so that the same go into HTML and into JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import FOR_PEOPLE, Ending, Phase
from kubernaut.domain.objects import JsonObject
from kubernaut.engine.codec import dump
from kubernaut.entrypoints.dashboard.rendering import Visit
from kubernaut.entrypoints.dashboard.searching import PAGE, Search, filter_of
from kubernaut.entrypoints.intervals import median_with_interval
from kubernaut.entrypoints.lookup import incident_named
from kubernaut.entrypoints.story import Story, summarise, tell
from kubernaut.ports import Clock, IncidentFilter, IncidentStore

DAY = timedelta(hours=24)
_MOST_OPEN = 100
_MOST_OF_A_DAY = 500
_MOST_HANDED_OVER = 20
_IN_A_ROW = (EventKind.RECEIVED, EventKind.DIAGNOSED, EventKind.ASKED, EventKind.APPROVED, EventKind.REJECTED)
STAGES = (
    Phase.TRIAGE,
    Phase.INVESTIGATION,
    Phase.PLANNING,
    Phase.EXECUTION,
    Phase.VERIFICATION,
    Phase.UNDOING,
    Phase.IMPACT,
    Phase.LEARNING,
)


@dataclass(frozen=True, slots=True)
class Day:
    """The last 24 hours. `hours` are incidents opened, oldest hour first; `of` how many the times are of."""

    opened: int
    counts: tuple[tuple[Ending, int], ...]
    hours: tuple[int, ...]
    resolution: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of the list."""

    rows: tuple[Story, ...]
    total: int
    offset: int
    search: Search
    odd: str = ""

    @property
    def last(self) -> int:
        """The number of the last row on the page."""
        return self.offset + len(self.rows)

    @property
    def older(self) -> int | None:
        """Where the next page starts."""
        return self.offset + PAGE if self.last < self.total else None

    @property
    def newer(self) -> int | None:
        """Where the page before starts."""
        return max(0, self.offset - PAGE) if self.offset else None


@dataclass(frozen=True, slots=True)
class Live:
    """The first page."""

    now: datetime
    needs: tuple[Story, ...]
    in_work: tuple[Story, ...]
    stages: tuple[tuple[Phase, int], ...]
    day: Day
    listed: Listed


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads pages from the store."""

    incidents: IncidentStore
    clock: Clock

    async def live(self, search: Search) -> Live:
        """The first page, with the list searched for what was typed."""
        now = self.clock.now()
        still_open = await self._rows(await self._find(IncidentFilter(open_only=True, limit=_MOST_OPEN)))
        asked = tuple(story for story in still_open if story.incident.phase is Phase.APPROVAL)
        working = tuple(story for story in still_open if story.incident.phase is not Phase.APPROVAL)
        handed = await self._handed_over(now)
        listed = await self.listed(search)
        return Live(
            now=now,
            needs=(*asked, *handed),
            in_work=working,
            stages=tuple((phase, sum(one.incident.phase is phase for one in working)) for phase in STAGES),
            day=await self._day(now),
            listed=listed,
        )

    async def listed(self, search: Search) -> Listed:
        """One page of the incidents that match, open ones included."""
        wanted, odd = filter_of(search, now=self.clock.now())
        rows = await self._rows(await self.incidents.find(wanted))
        return Listed(tuple(rows), await self.incidents.count(wanted), search.offset, search, odd)

    async def story(self, start: str) -> Story:
        """The whole story of the incident whose id starts so; raises `UnknownName` or `AmbiguousId`."""
        found = await incident_named(self.incidents, start)
        told = await self.incidents.events_of([found.id], kinds=tuple(EventKind))
        return tell(found, told[found.id])

    async def _find(self, wanted: IncidentFilter) -> list[Incident]:
        return await self.incidents.find(wanted)

    async def _rows(self, found: Sequence[Incident]) -> list[Story]:
        told = await self.incidents.events_of([one.id for one in found], kinds=_IN_A_ROW)
        return [summarise(one, told[one.id]) for one in found]

    async def _handed_over(self, now: datetime) -> list[Story]:
        """What was handed to people in the last day, unless its alert has cleared; the newest of each object."""
        firing: list[Incident] = []
        for ending in sorted(FOR_PEOPLE):
            wanted = IncidentFilter(ending=ending, since=now - DAY, limit=_MOST_HANDED_OVER)
            firing += [one for one in await self._find(wanted) if await self.incidents.still_firing(one.id)]
        newest = {one.target: one for one in sorted(firing, key=lambda one: one.opened_at)}
        return await self._rows(sorted(newest.values(), key=lambda one: one.opened_at, reverse=True))

    async def _day(self, now: datetime) -> Day:
        since = now - DAY
        recent = await self._find(IncidentFilter(since=since, limit=_MOST_OF_A_DAY))
        hours = [0] * 24
        for incident in recent:
            hours[min(23, max(0, int((incident.opened_at - since) / timedelta(hours=1))))] += 1
        counts = [(ending, sum(one.ending is ending for one in recent)) for ending in Ending]
        opened = await self.incidents.count(IncidentFilter(since=since))
        beyond = f", of the newest {_MOST_OF_A_DAY}" if opened > _MOST_OF_A_DAY else ""
        return Day(opened, tuple((e, n) for e, n in counts if n), tuple(hours), _resolution(recent) + beyond)


def _resolution(recent: Sequence[Incident]) -> str:
    times = [
        (one.closed_at - one.started_at).total_seconds()
        for one in recent
        if one.ending is Ending.HEALED and one.closed_at is not None
    ]
    return median_with_interval(times) if times else "not computable: nothing was healed yet"


def version_of(story: Story) -> str:
    """What a button was drawn from: another plan, another version."""
    question, last = story.question, story.last_applied
    shown = [dump(question.preview) if question else None, dump(last.call) if last else None, story.incident.ending]
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:16]


def row_json(story: Story) -> JsonObject:
    """One row, for scripts."""
    cause = story.cause
    return {
        "incident": dump(story.incident),
        "cause": cause.cause if cause else None,
        "confidence": cause.confidence if cause else None,
        "waits_for_consent": story.question is not None,
        "seconds": story.seconds,
    }


def live_json(live: Live, visit: Visit) -> JsonObject:
    """The first page, for scripts."""
    return {
        "now": live.now.isoformat(),
        "suspended": dump(visit.suspension) if visit.suspension else None,
        "needs_you": [row_json(story) for story in live.needs],
        "in_work": [row_json(story) for story in live.in_work],
        "stages": {phase.value: number for phase, number in live.stages},
        "last_24_h": {
            "opened": live.day.opened,
            "endings": {ending.value: number for ending, number in live.day.counts},
            "opened_per_hour": list(live.day.hours),
            "time_to_resolution": live.day.resolution,
        },
        **listed_json(live.listed),
        "seq": visit.seq,
    }


def listed_json(listed: Listed) -> JsonObject:
    """One page of the list, for scripts."""
    return {
        "incidents": [row_json(story) for story in listed.rows],
        "total": listed.total,
        "offset": listed.offset,
        "query": listed.search.typed,
    }


def story_json(story: Story) -> JsonObject:
    """The whole story, for scripts."""
    steps = {step.seq: step for step in story.steps}
    events: list[JsonObject] = [
        {
            "seq": event.seq,
            "kind": event.kind.value,
            "at": event.at.isoformat(),
            "text": steps[event.seq].text,
            "since_alert_s": steps[event.seq].since_alert_s,
            "body": event.body,
        }
        for event in story.events
    ]
    return {
        **row_json(story),
        "diagnosis": dump(story.diagnosis) if story.diagnosis else None,
        "plan": dump(story.plan) if story.plan else None,
        "attempts": [dump(attempt) for attempt in story.attempts],
        "alike": [dump(alike) for alike in story.alike],
        "tokens": story.tokens,
        "events": list(events),
    }
