"""What it was worth: figures of a period, each with its sample, and the charts that show their spread.

The figures come from `kubernaut.impact` and nothing else; this module only chooses the period, keeps the answer for a
while, and says which list of incidents each figure was counted from.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kubernaut.domain.errors import StoreError
from kubernaut.domain.incidents import Incident
from kubernaut.domain.lifecycle import Ending
from kubernaut.entrypoints.dashboard.charts import Dot, LogAxis, dots_of
from kubernaut.entrypoints.dashboard.tally import Tally
from kubernaut.entrypoints.value.sheet import outlook_rows
from kubernaut.impact.accounts import accounts
from kubernaut.impact.clocks import History
from kubernaut.impact.figures import Figure
from kubernaut.impact.inputs import ValueInputs
from kubernaut.impact.money import outlook
from kubernaut.impact.shadow import ShadowReport, shadow_report
from kubernaut.impact.value import Valued, valued
from kubernaut.ports import Clock, IncidentFilter, IncidentStore

PERIODS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30), "90d": timedelta(days=90)}
_KEPT_S = 30.0
_PAGE = 1000
_MOST_INCIDENTS = 50_000
_WEEKS = 8
_NAMESPACES = 10


@dataclass(frozen=True, slots=True)
class Shown:
    """One figure with its meaning, and the address of the incidents that it was counted from."""

    name: str
    meaning: str
    figure: Figure
    behind: str


@dataclass(frozen=True, slots=True)
class Share:
    """A namespace's part: `healed` of `closed`, and the median seconds of the healed ones, None where none was."""

    namespace: str
    closed: int
    healed: int
    median_s: float | None


@dataclass(frozen=True, slots=True)
class Worth:
    """The figures of one period as they were at a time. `weeks` count endings, the oldest week first."""

    at: datetime
    period: str
    since: datetime
    closed: int
    healed: int
    shown: tuple[Shown, ...]
    endings: tuple[tuple[Ending, int], ...]
    weeks: tuple[tuple[Ending, tuple[int, ...]], ...]
    axis: LogAxis
    dots: tuple[Dot, ...]
    namespaces: tuple[Share, ...]
    assumptions: tuple[str, ...]
    shadow: ShadowReport
    hangs_on: tuple[tuple[str, str], ...] = ()


@dataclass
class Appraisal:
    """Answers with the last figures and has newer ones made: `work` makes them, on a thread of their own."""

    incidents: IncidentStore
    tally: Tally
    clock: Clock
    inputs: ValueInputs
    _worths: dict[str, Worth] = field(default_factory=dict)
    _made_at: dict[str, float] = field(default_factory=dict)
    _wanted: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(len(PERIODS)))

    def of(self, period: str) -> Worth | None:
        """The figures of the period, None while they are counted for the first time."""
        if self._is_old(period) and not self._wanted.full():
            self._wanted.put_nowait(period)
        return self._worths.get(period)

    def last(self, period: str) -> Worth | None:
        """The figures as they were last counted, without wanting newer ones."""
        return self._worths.get(period)

    async def work(self) -> None:
        """Makes what was asked for, until it is cancelled."""
        while True:
            period = await self._wanted.get()
            if self._is_old(period):
                try:
                    await self.make(period)
                except StoreError:
                    # Whoever looks next asks again, and is told by that page what the store says.
                    await asyncio.sleep(1)

    async def make(self, period: str) -> Worth:
        """The figures as they stand now."""
        await self.tally.catch_up()
        now = self.clock.now()
        found = await self._closed_since(now - PERIODS[period])
        histories = [History(one, tuple(self.tally.events.get(one.id, ()))) for one in found]
        worth = await asyncio.to_thread(_worth, histories, self.inputs, period, now)
        self._worths[period] = worth
        self._made_at[period] = asyncio.get_running_loop().time()
        return worth

    def _is_old(self, period: str) -> bool:
        # By the real clock: how long figures are kept is about our own work, also where the cluster's time runs faster.
        now = asyncio.get_running_loop().time()
        return now - self._made_at.get(period, float("-inf")) > _KEPT_S

    async def _closed_since(self, since: datetime) -> list[Incident]:
        found: list[Incident] = []
        while len(found) < _MOST_INCIDENTS:
            page = await self.incidents.find(IncidentFilter(since=since, limit=_PAGE, offset=len(found)))
            found += page
            if len(page) < _PAGE:
                break
        return [one for one in found if one.closed_at is not None]


def _worth(histories: Sequence[History], inputs: ValueInputs, period: str, now: datetime) -> Worth:
    since = now - PERIODS[period]
    # A service that ran for three of thirty days cost three days.
    running = min(PERIODS[period], now - min((one.incident.opened_at for one in histories), default=now))
    found = valued(accounts(histories, until=now), (), inputs, running)
    value = found.metrics
    incidents = [history.incident for history in histories]
    healed = [one for one in incidents if one.ending is Ending.HEALED]
    closed, cured = f"/incidents?since={period}", f"/incidents?ending=healed&since={period}"
    shown = (
        Shown(
            "time_to_resolution",
            "from the beginning of the impact to the closed incident, healed ones; median with its 95 % interval",
            value.time_to_resolution,
            cured,
        ),
        Shown(
            "cost_savings_usd",
            "people's minutes saved at their wage, and downtime saved; losses are kept",
            value.cost_savings_usd,
            closed,
        ),
        Shown(
            "efficiency_gain_percentage",
            "people's minutes saved of those that it takes by hand",
            value.efficiency_gain_percentage,
            closed,
        ),
        Shown("roi", "savings without the cost, for every dollar of cost", value.roi, closed),
        Shown("incidents_prevented", "what did not come because of us", value.incidents_prevented, closed),
    )
    endings = Counter(one.ending for one in incidents)
    axis, dots = dots_of(healed, since=since, until=now)
    return Worth(
        at=now,
        period=period,
        since=since,
        closed=len(incidents),
        healed=len(healed),
        shown=shown,
        endings=tuple((ending, endings[ending]) for ending in Ending if endings[ending]),
        weeks=_weeks(incidents, now),
        axis=axis,
        dots=dots,
        namespaces=_namespaces(incidents),
        assumptions=tuple(dict.fromkeys(line for one in shown for line in one.figure.assumptions)),
        shadow=shadow_report(histories, since, now),
        hangs_on=_hangs_on(found, inputs, running),
    )


def _hangs_on(found: Valued, inputs: ValueInputs, running: timedelta) -> tuple[tuple[str, str], ...]:
    if found.metrics.cost_savings_usd.value is None:
        return ()
    return outlook_rows(outlook(found.sums, found.drawn, inputs, found.metrics.roi, running))


def _weeks(incidents: Sequence[Incident], now: datetime) -> tuple[tuple[Ending, tuple[int, ...]], ...]:
    counts: dict[Ending, list[int]] = {}
    for one in incidents:
        back = int((now - one.opened_at) / timedelta(days=7))
        if one.ending is not None and 0 <= back < _WEEKS:
            counts.setdefault(one.ending, [0] * _WEEKS)[_WEEKS - 1 - back] += 1
    return tuple((ending, tuple(counts[ending])) for ending in Ending if ending in counts)


def _namespaces(incidents: Sequence[Incident]) -> tuple[Share, ...]:
    own: dict[str, list[Incident]] = {}
    for one in incidents:
        own.setdefault(one.target.namespace, []).append(one)
    most = sorted(own.items(), key=lambda item: (-len(item[1]), item[0]))[:_NAMESPACES]
    return tuple(_share(namespace, found) for namespace, found in most)


def _share(namespace: str, found: Sequence[Incident]) -> Share:
    times = sorted(
        (one.closed_at - one.started_at).total_seconds()
        for one in found
        if one.ending is Ending.HEALED and one.closed_at is not None
    )
    middle = (times[(len(times) - 1) // 2] + times[len(times) // 2]) / 2 if times else None
    return Share(namespace, len(found), len(times), middle)
