"""Whether Kubernaut itself is well, and what it may do."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from kubernaut.domain.chain import Checked
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.http.health import Check, Readiness
from kubernaut.ports import Clock, Heartbeats, IncidentFilter, IncidentStore, SignalStore, Suspension, Switch

_SILENT = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Replica:
    """A process that works on this database."""

    name: str
    alive: bool


@dataclass(frozen=True, slots=True)
class Health:
    """The page. `checks` are `ok` or what is wrong, by name; `waiting` alerts are not looked at yet.

    `limits` say what is not done at present though it works; `audit` is what the last walk along the chain found.
    """

    now: datetime
    checks: Mapping[str, str]
    replicas: tuple[Replica, ...]
    suspension: Suspension | None
    accepted: int
    refused: int
    waiting: int
    oldest_waiting: datetime | None
    open: int
    asking: int
    limits: Mapping[str, str]
    audit: Checked | None


def _not_checked() -> None:
    return None


@dataclass(frozen=True, slots=True)
class HealthSources:
    """Where the page reads from. `settings` is the tree in force with its secrets hidden, `source` its file."""

    checks: Mapping[str, Check]
    metrics: Callable[[], bytes]
    heartbeats: Heartbeats
    signals: SignalStore
    settings: JsonObject
    source: str = ""
    limits: Mapping[str, Check] = field(default_factory=dict)
    audit: Callable[[], Checked | None] = _not_checked


@dataclass(frozen=True, slots=True)
class HealthReader:
    """Reads the page."""

    sources: HealthSources
    readiness: Readiness
    limited: Readiness
    incidents: IncidentStore
    switch: Switch
    clock: Clock

    async def read(self) -> Health:
        """How everything stands now; what is broken is said in `checks`."""
        sources = self.sources
        backlog = await sources.signals.backlog()
        counters = _counters(sources.metrics())
        return Health(
            now=self.clock.now(),
            checks=await self.readiness.results(),
            replicas=await self._replicas(),
            suspension=await self.switch.suspension(),
            accepted=counters.get("kubernaut_signals_accepted_total", 0),
            refused=counters.get("kubernaut_intake_refused_total", 0),
            waiting=backlog.waiting,
            oldest_waiting=backlog.oldest,
            open=await self.incidents.count(IncidentFilter(open_only=True)),
            asking=await self.incidents.count(IncidentFilter(phase=Phase.APPROVAL)),
            limits={name: text for name, text in (await self.limited.results()).items() if text != "ok"},
            audit=sources.audit(),
        )

    async def _replicas(self) -> tuple[Replica, ...]:
        # Everybody's last beat is older than a negative age.
        everybody = await self.sources.heartbeats.stale(-_SILENT)
        silent = set(await self.sources.heartbeats.stale(_SILENT))
        return tuple(Replica(name, name not in silent) for name in everybody)


def _counters(exposition: bytes) -> dict[str, int]:
    """Sums over all labels."""
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(exposition.decode()):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0) + sample.value
    return {name: int(value) for name, value in sums.items() if math.isfinite(value)}
