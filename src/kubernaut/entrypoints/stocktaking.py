"""What Prometheus is told beside what was counted on the way: levels, read when somebody asks for /metrics.

Each part is read for itself. One that cannot be read is left out of the answer, so that nobody takes a failed read for
a good 0; the alert on `check_ok` tells that it failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version

import structlog

from kubernaut.adapters.prometheus.meter import Level, PrometheusMeter
from kubernaut.adapters.store import Store
from kubernaut.auditing import Auditor
from kubernaut.domain.errors import KubernautError
from kubernaut.domain.lifecycle import Phase
from kubernaut.engine.durable import DurableEngine
from kubernaut.entrypoints.dashboard.value import Appraisal
from kubernaut.entrypoints.http.health import Readiness
from kubernaut.impact.figures import Figure
from kubernaut.ports import Clock, IncidentFilter

log = structlog.get_logger(__name__)

_PATIENCE_S = 3.0
# Two servers of Prometheus, or an impatient one, cost the database no more than one.
_REMEMBERED_S = 2.0
# The figures of value come from thousands of incidents, and change slowly.
_VALUE_EVERY_S = 600.0
_SILENT = timedelta(seconds=30)
_PERIOD = "30d"
_VALUES = {
    "time_to_resolution": ("value_time_to_resolution_seconds", 1.0),
    "cost_savings_usd": ("value_cost_savings_usd", 1.0),
    "efficiency_gain_percentage": ("value_efficiency_gain_ratio", 0.01),
    "roi": ("value_roi_ratio", 1.0),
}


@dataclass
class Stocktaking:
    """Reads all levels, hands them to the meter, and gives the exposition."""

    meter: PrometheusMeter
    store: Store
    engine: DurableEngine
    clock: Clock
    readiness: Readiness
    auditor: Auditor
    appraisal: Appraisal
    _taken_at: float = float("-inf")
    _valued_at: float = float("-inf")
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def exposition(self) -> bytes:
        """All metrics in the text format."""
        async with self._turn:
            if asyncio.get_running_loop().time() - self._taken_at > _REMEMBERED_S:
                self.meter.take_stock(await self._levels())
                self._taken_at = asyncio.get_running_loop().time()
        return self.meter.exposition()

    async def _levels(self) -> list[Level]:
        parts: Sequence[Callable[[], Awaitable[Sequence[Level]]]] = (
            self._checks,
            self._inbox,
            self._incidents,
            self._approvals,
            self._switch,
            self._replicas,
        )
        read = await asyncio.gather(*(_read(part) for part in parts))
        return [*self._own(), *self._audit(), *self._value(), *(level for levels in read for level in levels)]

    async def _checks(self) -> Sequence[Level]:
        results = await self.readiness.results()
        return [Level("check_ok", float(text == "ok"), (("check", name),)) for name, text in results.items()]

    async def _inbox(self) -> Sequence[Level]:
        backlog = await self.store.signals.backlog()
        return [
            Level("inbox_waiting_signals", backlog.waiting),
            Level("inbox_oldest_seconds", self._age_s(backlog.oldest)),
        ]

    async def _incidents(self) -> Sequence[Level]:
        return [
            Level("incidents_open", await self.store.incidents.count(IncidentFilter(phase=phase)), (("phase", phase),))
            for phase in Phase
            if phase is not Phase.CLOSED
        ]

    async def _approvals(self) -> Sequence[Level]:
        asking = await self.store.incidents.count(IncidentFilter(phase=Phase.APPROVAL))
        # Lists begin with the newest.
        last = IncidentFilter(phase=Phase.APPROVAL, limit=1, offset=max(0, asking - 1))
        oldest = next(iter(await self.store.incidents.find(last)), None)
        return [Level("approval_oldest_seconds", self._age_s(oldest.opened_at if oldest else None))]

    async def _switch(self) -> Sequence[Level]:
        return [Level("suspended", float(await self.store.switch.suspension() is not None))]

    async def _replicas(self) -> Sequence[Level]:
        # Everybody's last beat is older than a negative age.
        known = len(await self.store.heartbeats.stale(-_SILENT))
        silent = len(await self.store.heartbeats.stale(_SILENT))
        return [
            Level("replicas", known - silent, (("state", "alive"),)),
            Level("replicas", silent, (("state", "silent"),)),
        ]

    def _own(self) -> Iterator[Level]:
        yield Level("build_info", 1, (("version", version("kubernaut")),))
        yield Level("runs_in_flight", self.engine.in_flight)
        yield Level("runs_abandoned", self.engine.abandoned)
        for of, times in self.engine.resumed.items():
            yield Level("runs_resumed", times, (("of", of),))

    def _audit(self) -> Iterator[Level]:
        found = self.auditor.found
        if found is not None:
            yield Level("audit_chain_intact", float(found.is_whole))
            yield Level("audit_checked_events", found.events)

    def _value(self) -> Iterator[Level]:
        """The figures as they were last counted; counted anew elsewhere, never by whoever asks."""
        now = asyncio.get_running_loop().time()
        if now - self._valued_at > _VALUE_EVERY_S:
            self._valued_at = now
            self.appraisal.of(_PERIOD)
        worth = self.appraisal.last(_PERIOD)
        if worth is None:
            return
        yield Level("value_closed_incidents", worth.closed)
        for shown in worth.shown:
            if shown.name in _VALUES:
                name, scale = _VALUES[shown.name]
                yield from _bounds(name, shown.figure, scale)

    def _age_s(self, since: datetime | None) -> float:
        return max(0.0, (self.clock.now() - since).total_seconds()) if since else 0.0


async def _read(part: Callable[[], Awaitable[Sequence[Level]]]) -> Sequence[Level]:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await part()
    except TimeoutError:
        log.warning("figures for Prometheus took too long", limit_s=_PATIENCE_S)
    except KubernautError as error:
        log.warning("figures for Prometheus cannot be read", error=str(error))
    return ()


def _bounds(name: str, figure: Figure, scale: float) -> Iterator[Level]:
    for bound, value in (("low", figure.low), ("middle", figure.value), ("high", figure.high)):
        if value is not None:
            yield Level(name, value * scale, (("bound", bound),))
