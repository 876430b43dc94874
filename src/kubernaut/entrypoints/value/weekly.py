"""The weekly summary, sent once a week by whichever replica comes first.

That a week was told stands in the database as a lease in the name of that week, which outlasts it: a restart or another
replica finds it and keeps silent. It is taken for a few minutes before the message goes out and made long after that,
so a process that dies in between leaves the week to the next one. Between the channel's answer and the second lease, a
death or a database that fails makes the message come twice; it carries its week, by which it is known again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from kubernaut.domain.errors import NotifyFailed, StoreError
from kubernaut.domain.incidents import IncidentId
from kubernaut.entrypoints.value.summary import gather_summary, summary_lines, summary_title, week_of
from kubernaut.impact.inputs import ValueInputs
from kubernaut.impact.period import Period
from kubernaut.ports import Clock, Ids, IncidentStore, Leases, Message, Notifier

log = structlog.get_logger(__name__)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ROUND_S = 60.0
_WEEK = timedelta(days=7)
# Long enough for a large log and a slow channel; what fails is tried again after as long.
_CLAIMED_FOR = timedelta(minutes=10)
_TOLD_FOR = timedelta(days=15)


@dataclass(frozen=True, slots=True)
class Moment:
    """A weekday and a time of day, in a zone."""

    weekday: int
    hour: int
    minute: int
    zone: ZoneInfo

    @classmethod
    def of(cls, text: str, zone: str) -> Moment:
        """Of `mon 08:00`."""
        day, _, clock = text.partition(" ")
        hour, _, minute = clock.partition(":")
        return cls(DAYS.index(day), int(hour), int(minute), ZoneInfo(zone))

    def last(self, now: datetime) -> datetime:
        """The last time that it was, by the clocks of the zone."""
        local = now.astimezone(self.zone)
        day = local.date() - timedelta(days=(local.weekday() - self.weekday) % 7)
        found = datetime(day.year, day.month, day.day, self.hour, self.minute, tzinfo=self.zone)
        return found if found <= now else found - _WEEK


@dataclass(frozen=True, slots=True)
class WeeklySummary:
    """Sends the summary of the week that ended last, unless it is told already."""

    incidents: IncidentStore
    leases: Leases
    notifier: Notifier
    clock: Clock
    ids: Ids
    inputs: ValueInputs
    cluster: str
    moment: Moment

    async def work(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self.send_due()
            except (StoreError, NotifyFailed) as error:
                log.warning("the weekly summary waits", error=str(error))
            await asyncio.sleep(ROUND_S)

    async def send_due(self) -> str:
        """Where it went; empty where nothing was to be told. Raises `NotifyFailed`: it is tried again later."""
        due = self.moment.last(self.clock.now())
        first = await self.incidents.events(limit=1)
        # A week before there was anything to tell of is no week that was missed.
        if not first or first[0].at >= due:
            return ""
        # Another name each time: who has told the week holds it under a name that nobody uses again.
        name, holder = f"summary:{due.astimezone(self.moment.zone):%Y-%m-%dT%H:%M}", self.ids.new("summary")
        if not await self.leases.acquire(name, holder, duration=_CLAIMED_FOR):
            return ""
        where = await self.notifier.send(await self._message(due))
        await self.leases.acquire(name, holder, duration=_TOLD_FOR)
        log.info("weekly summary sent", where=where)
        return where

    async def _message(self, due: datetime) -> Message:
        summary = await gather_summary(self.incidents, Period(due - _WEEK, due), self.inputs)
        return Message(
            IncidentId(""),
            summary_title(summary, cluster=self.cluster),
            summary_lines(summary),
            {"outcome": "summary", "week": week_of(summary.report.since), "cluster": self.cluster},
        )
