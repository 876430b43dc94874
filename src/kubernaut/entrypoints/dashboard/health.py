"""Whether Kubernaut itself is well, what it may do, and the settings in force."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.entrypoints.http.health import Check, Readiness
from kubernaut.ports import Clock, Heartbeats, IncidentFilter, IncidentStore, SignalStore, Suspension, Switch

_SILENT = timedelta(seconds=30)
_COUNTED = 1000
_HIDDEN = "**********"
_SECRET = frozenset({"token", "secret", "password", "key", "credential", "credentials"})


@dataclass(frozen=True, slots=True)
class Replica:
    """A process that works on this database."""

    name: str
    alive: bool


@dataclass(frozen=True, slots=True)
class Health:
    """The page. `checks` are `ok` or what is wrong, by name; `waiting` alerts are not looked at yet."""

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
    settings: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True, slots=True)
class HealthSources:
    """Where the page reads from. `settings` is the tree in force with its secrets hidden."""

    checks: Mapping[str, Check]
    metrics: Callable[[], bytes]
    heartbeats: Heartbeats
    signals: SignalStore
    settings: JsonObject


@dataclass(frozen=True, slots=True)
class HealthReader:
    """Reads the page."""

    sources: HealthSources
    readiness: Readiness
    incidents: IncidentStore
    switch: Switch
    clock: Clock

    async def read(self) -> Health:
        """How everything stands now; what is broken is said in `checks`."""
        sources = self.sources
        waiting = await sources.signals.waiting(_COUNTED)
        counters = _counters(sources.metrics())
        return Health(
            now=self.clock.now(),
            checks=await self.readiness.results(),
            replicas=await self._replicas(),
            suspension=await self.switch.suspension(),
            accepted=counters.get("kubernaut_signals_accepted_total", 0),
            refused=counters.get("kubernaut_intake_refused_total", 0),
            waiting=len(waiting),
            oldest_waiting=waiting[0].received_at if waiting else None,
            open=await self.incidents.count(IncidentFilter(open_only=True)),
            asking=await self.incidents.count(IncidentFilter(phase=Phase.APPROVAL)),
            settings=settings_shown(sources.settings),
        )

    async def _replicas(self) -> tuple[Replica, ...]:
        # Everybody's last beat is older than a negative age.
        everybody = await self.sources.heartbeats.stale(-_SILENT)
        silent = set(await self.sources.heartbeats.stale(_SILENT))
        return tuple(Replica(name, name not in silent) for name in everybody)


def settings_shown(tree: JsonObject) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """The settings by section, as `path, value`, without what an address or a name may hold of secrets."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for path, value in _leaves(tree):
        section, _, name = path.rpartition(".")
        sections.setdefault(section or "general", []).append((name, _harmless(name, value)))
    return tuple((section, tuple(values)) for section, values in sorted(sections.items()))


def _leaves(value: Json, path: str = "") -> list[tuple[str, Json]]:
    if isinstance(value, dict) and value:
        return [leaf for key, child in value.items() for leaf in _leaves(child, f"{path}.{key}" if path else key)]
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return [leaf for number, item in enumerate(value) for leaf in _leaves(item, f"{path}.{number}")]
    return [(path, value)]


def _harmless(name: str, value: Json) -> str:
    if value is None:
        return "not set"
    words = set(name.lower().split("_"))
    if words & _SECRET and words.isdisjoint({"file"}):
        return _HIDDEN
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return _address(text) if "://" in text else text


def _address(text: str) -> str:
    """An address without its account; of a web hook no path either, since that is often its secret."""
    try:
        parts = urlsplit(text)
        place = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return _HIDDEN
    if parts.scheme in {"http", "https"}:
        return f"{parts.scheme}://{place}" + ("/…" if parts.path.strip("/") or parts.query else "")
    return f"{parts.scheme}://{place}{parts.path}"


def _counters(exposition: bytes) -> dict[str, int]:
    """Sums over all labels."""
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(exposition.decode()):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0) + sample.value
    return {name: int(value) for name, value in sums.items() if math.isfinite(value)}
