"""The demo: a simulated cluster, the whole service and its page in one process, and the scenarios played on them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.incidents import Incident, IncidentId
from kubernaut.domain.journal import EventKind
from kubernaut.domain.objects import Tree
from kubernaut.engine.codec import load
from kubernaut.entrypoints.doors import DemoOptions, Ended, Happening, Told
from kubernaut.entrypoints.http.app import ALERTMANAGER_PATH
from kubernaut.entrypoints.logs import configure_logs
from kubernaut.entrypoints.reports import ScenarioResult
from kubernaut.entrypoints.serving import serving
from kubernaut.impact.period import SIMULATED
from kubernaut.ports import IncidentFilter, IncidentStore
from kubernaut.sandbox import AlertPolicy, Sandbox
from kubernaut.sandbox.scenarios import SCENARIOS, Scenario, prepare_system
from kubernaut.settings import LogSettings, Settings
from kubernaut.wiring import Service

# Simulated time: rules fire soon, so that a minute shows what takes an hour elsewhere.
_ALERTS_AFTER = timedelta(seconds=30)
_EVERY = timedelta(seconds=15)
_WATCH = {"window_s": 60.0, "interval_s": 10.0, "deadline_s": 300.0}
POLICY: Mapping[str, float] = MappingProxyType(
    {
        "approval_s": 240.0,
        "recheck_s": 45.0,
        "hold_s": 1800.0,
        "patience_s": 420.0,
        "cooldown_s": 60.0,
        "look_back_s": 60.0,
    }
)
# What the demo declares in its owner's place, so that money can be shown; whatever shows it has to say so.
DEMO_VALUE: Mapping[str, object] = MappingProxyType(
    {
        "minutes_by_hand": "25-42-70",
        "wage_usd_per_hour": "70",
        "cost_usd_per_month": "690",
        # Its models are stand-ins on this machine.
        "model_usd_per_million_tokens": 0.0,
    }
)
# A scenario without any incident after this long has failed, and is said so.
_PATIENCE = timedelta(minutes=40)
_POLL_S = 0.05
# More at once would only wait for each other: one process simulates a cluster and works on it.
_AT_ONCE = 5


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a rehearsal plays: its database, when its clock begins (now where it is not said), and more settings."""

    database: Path
    begins: datetime | None = None
    settings: Mapping[str, object] = field(default_factory=dict)


@asynccontextmanager
async def rehearse(options: DemoOptions) -> AsyncIterator[Rehearsal]:
    """A running demo, taken down whole at the end."""
    with tempfile.TemporaryDirectory(prefix="kubernaut-demo-") as folder:
        async with rehearse_on(Stage(Path(folder) / "demo.sqlite"), options) as rehearsal:
            yield rehearsal


@asynccontextmanager
async def rehearse_on(stage: Stage, options: DemoOptions) -> AsyncIterator[Rehearsal]:
    """A simulated cluster with the service and its page, on that database."""
    chosen = tuple(scenario for scenario in SCENARIOS if not options.scenarios or scenario.name in options.scenarios)
    address = f"http://127.0.0.1:{options.listener.getsockname()[1]}"
    alerts = AlertPolicy(
        f"{address}{ALERTMANAGER_PATH}",
        hold=_ALERTS_AFTER,
        every=_EVERY,
        group_wait=timedelta(seconds=5),
        group_interval=timedelta(seconds=15),
        repeat_interval=timedelta(minutes=10),
        external=(SIMULATED,),
    )
    configure_logs(LogSettings(level="error"))
    async with Sandbox(speed=options.speed, alerts=alerts, begins=stage.begins) as sandbox:
        settings = Settings.model_validate(
            {
                "store": {"url": f"sqlite:///{stage.database}"},
                "cluster": {"name": "sandbox", "kubeconfig": str(sandbox.kubeconfig())},
                "policy": {**POLICY},
                "verification": _WATCH,
                **stage.settings,
            }
        )
        prepare_system(sandbox.universe)
        async with serving(settings, options.listener, clock=sandbox.clock, pace=options.speed) as service:
            yield Rehearsal(sandbox, service, chosen)


@dataclass(slots=True)
class _Played:
    """A scenario that was injected."""

    scenario: Scenario
    since: datetime


@dataclass
class Rehearsal:
    """Plays scenarios side by side, those that need the cluster for themselves one after the other at the end.

    `incidents` are those of the scenarios that ended; `first_seq` is the last event from before the first of them.
    """

    sandbox: Sandbox
    service: Service
    chosen: Sequence[Scenario]
    _running: list[_Played] = field(default_factory=list)
    _closed: dict[str, ScenarioResult] = field(default_factory=dict)
    _used: set[IncidentId] = field(default_factory=set)
    incidents: dict[str, IncidentId] = field(default_factory=dict)
    first_seq: int = 0

    @property
    def scenarios(self) -> Sequence[str]:
        """The names of the scenarios that are going to be played."""
        return [scenario.name for scenario in self.chosen]

    async def happenings(self) -> AsyncIterator[Happening]:
        """What happens, as it happens; ends after the last scenario did."""
        store = self.service.outside.store.incidents
        waiting = list(self.chosen)
        await self._settled()
        seen = self.first_seq = await store.last_seq()
        while waiting or self._running:
            self._inject(waiting)
            for event in await store.events(after=seen):
                seen = event.seq
                incident = await store.get(event.incident)
                if incident is not None:
                    yield Told(incident, event)
            for ended in await self._ended(store):
                yield ended
            await asyncio.sleep(_POLL_S)

    async def _settled(self) -> None:
        """Waits until the healthy system runs: faults are put into something that works."""
        await self.sandbox.clock.sleep(timedelta(seconds=90))

    def _inject(self, waiting: list[Scenario]) -> None:
        for scenario in tuple(waiting):
            if len(self._running) >= _AT_ONCE:
                return
            alone = scenario.alone and (self._running or any(not other.alone for other in waiting))
            if alone or (scenario.after and scenario.after not in self._closed and scenario.after in self.scenarios):
                continue
            waiting.remove(scenario)
            self._running.append(_Played(scenario, self.sandbox.clock.now()))
            scenario.inject(self.sandbox.universe)
            if scenario.alone:
                return

    async def _ended(self, store: IncidentStore) -> list[Ended]:
        ended = []
        for played in tuple(self._running):
            incident = await self._incident_of(store, played)
            overdue = self.sandbox.clock.now() - played.since > _PATIENCE
            if (incident is not None and not incident.is_open) or overdue:
                self._running.remove(played)
                ended.append(await self._result(store, played, incident))
        return ended

    async def _incident_of(self, store: IncidentStore, played: _Played) -> Incident | None:
        """The incident that tells how the scenario went, once nothing that it fired is still in work.

        One fault may fire alerts of a workload and of its Service; whichever incident comes first mends it, and the
        other one waits for it. So the one that acted counts before the one of the expected target.
        """
        target = played.scenario.target
        found = await store.find(IncidentFilter(namespace=target.namespace, since=played.since, limit=1000))
        own = [
            one for one in reversed(found) if one.id not in self._used and (target.namespace or one.target == target)
        ]
        for one in own:
            if await store.events(one.id, kinds=(EventKind.APPLIED,), limit=1):
                return one
        waiting = next((one for one in own if one.is_open), None)
        return waiting or next((one for one in own if one.target == target), None)

    async def _result(self, store: IncidentStore, played: _Played, incident: Incident | None) -> Ended:
        scenario = played.scenario
        if incident is None or incident.ending is None:
            outcome = f"still in {incident.phase}" if incident else "no incident"
            result = _scored(scenario, outcome, "", (), None, passed=False)
            self._closed[scenario.name] = result
            return Ended(result)
        self._used.add(incident.id)
        self.incidents[scenario.name] = incident.id
        events = await store.events(incident.id)
        diagnosed = [load(Diagnosis, one.body["diagnosis"]) for one in events if one.kind is EventKind.DIAGNOSED]
        best = diagnosed[-1].best if diagnosed else None
        cause = str(best.cause) if best else ""
        actions = tuple(
            Tree(one.body).text("execution", "intent", "preview", "call", "action")
            for one in events
            if one.kind is EventKind.APPLIED
        )
        took = (incident.closed_at - incident.started_at).total_seconds() if incident.closed_at else None
        passed = scenario.passed(self.sandbox.universe, incident.ending, cause)
        result = _scored(scenario, str(incident.ending), cause, actions, took, passed=passed)
        self._closed[scenario.name] = result
        return Ended(result, incident.id, sum(one.kind is EventKind.UNDONE for one in events))


def _scored(
    scenario: Scenario,
    outcome: str,
    cause: str,
    actions: tuple[str, ...],
    seconds: float | None,
    *,
    passed: bool,
) -> ScenarioResult:
    return ScenarioResult(
        name=scenario.name,
        alert=scenario.alert,
        control=scenario.control,
        expected="|".join(scenario.expected),
        outcome=outcome,
        cause=cause,
        target=str(scenario.target),
        actions=actions,
        time_to_resolution=round(seconds, 1) if seconds is not None else None,
        passed=passed,
    )
