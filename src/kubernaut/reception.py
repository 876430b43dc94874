"""Takes signals out of the inbox as long as the service runs, and makes sure that every open incident is in work."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import structlog

from kubernaut.adapters.prometheus.steps import metered_step
from kubernaut.adapters.traces.steps import trace_admission
from kubernaut.domain.errors import KubernautError, StoreError
from kubernaut.domain.incidents import Incident
from kubernaut.domain.signals import AlertKey, Signal, SignalId
from kubernaut.engine import Engine
from kubernaut.engine.outcome import foreseen
from kubernaut.engine.run import RunState
from kubernaut.healing.stages import Stages
from kubernaut.pipeline import admit, beginning
from kubernaut.ports import Admission, IncidentFilter, IncidentStore, Leases, Meter, SignalStore, Tracer
from kubernaut.triage.admission import comes_last

log = structlog.get_logger(__name__)

# One process alone takes signals in, so that two alerts of one fault cannot open an incident each.
LEASE = "reception"
LEASE_FOR = timedelta(seconds=10)
# Far less than the term, so that an alert need not wait for the lease to be written again.
TRUSTED_FOR = timedelta(seconds=4)
# A storm is taken in slices, between which the lease is looked at.
BATCH = 100
AT_ONCE = 8
# Without a word from the intake of this process, the inbox is looked at this often: other processes accept too.
IDLE_S = 1.0
# While the cluster or the database does not answer, signals wait in the inbox and are tried again this often.
RETRY_S = 2.0
# The gap that it closes, a crash between two commits, is rare; a query in 15 s is nothing.
REVIVE_S = 15.0
_A_PAGE = 1000
# What fails by itself is tried again this often, for what may have been mended meanwhile.
STUCK_S = 60.0


@dataclass(frozen=True, slots=True)
class Reception:
    """One process at a time takes signals in; the lease moves to another within its term when that one dies.

    `stuck` are signals that fail for a reason of their own, such as a defect of ours, with the time of the loop from
    which they are tried again. They stay in the inbox, and those behind them are read as if they were not there.
    """

    name: str
    stages: Stages
    engine: Engine
    signals: SignalStore
    incidents: IncidentStore
    leases: Leases
    meter: Meter
    arrived: asyncio.Event
    tracer: Tracer | None = None
    stuck: dict[SignalId, float] = field(default_factory=dict)

    async def work(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._receive())
            group.create_task(self._revive())

    async def _receive(self) -> None:
        clock = asyncio.get_running_loop().time
        trusted_until = 0.0
        while True:
            # Before the inbox is read: what arrives during the read sets it again and is not slept over.
            self.arrived.clear()
            try:
                asked_at = clock()
                ours = asked_at < trusted_until
                if not ours:
                    ours = await self.leases.acquire(LEASE, self.name, duration=LEASE_FOR)
                    # From before the question: the database's clock began to count the term no earlier.
                    trusted_until = asked_at + TRUSTED_FOR.total_seconds() if ours else 0.0
                batch = await self.signals.waiting(BATCH + len(self.stuck)) if ours else []
                batch = [signal for signal in batch if self.stuck.get(signal.id, 0.0) <= clock()]
                failed = await self._admit_all(batch)
            except StoreError as error:
                log.warning("inbox cannot be read", error=str(error))
                failed, batch = True, []
            # No count of tries: a signal that was acknowledged is tried until it is admitted, however long that takes.
            if failed:
                await asyncio.sleep(RETRY_S)
            elif len(batch) < BATCH:
                await self._await_arrival()

    async def _await_arrival(self) -> None:
        try:
            async with asyncio.timeout(IDLE_S):
                await self.arrived.wait()
        except TimeoutError:
            return

    async def _admit_all(self, batch: Sequence[Signal]) -> bool:
        """Whether any signal has to be tried again. The signals of one alert are taken in their order."""
        by_alert: dict[AlertKey, list[Signal]] = defaultdict(list)
        for signal in batch:
            by_alert[signal.alert_key].append(signal)
        gate = asyncio.Semaphore(AT_ONCE)
        tasks = []
        for last in (False, True):
            async with asyncio.TaskGroup() as group:
                turn = [signals for signals in by_alert.values() if comes_last(signals[0]) is last]
                # Of one alert in order, of different ones side by side: a resolution must not overtake the firing
                # before it.
                tasks += [group.create_task(self._admit(signals, gate)) for signals in turn]
        return not all(task.result() for task in tasks)

    async def _admit(self, signals: Sequence[Signal], gate: asyncio.Semaphore) -> bool:
        async with gate:
            for signal in signals:
                clock = self.stages.triage.clock
                began = clock.now()
                step = partial(metered_step, self.meter, "admit", partial(admit, signal, self.stages, self.engine))
                try:
                    became = await foreseen("admit", step)
                except KubernautError as error:
                    log.warning("signal waits", signal=signal.id, alert=signal.name, error=str(error))
                    if not error.retryable:
                        self.stuck[signal.id] = asyncio.get_running_loop().time() + STUCK_S
                    return False
                self.stuck.pop(signal.id, None)
                self.meter.count("signals_taken", alert="firing" if signal.firing else "resolved")
                ended = clock.now()
                self.meter.observe("inbox_wait_seconds", (ended - signal.received_at).total_seconds())
                if self.tracer is not None and isinstance(became, Admission):
                    trace_admission(self.tracer, signal, became, began, ended)
        return True

    async def _revive(self) -> None:
        """Starts the run of every open incident that has none: its process died between two commits."""
        while True:
            try:
                alive = set(await self.engine.unfinished())
                async for incident in self._open_incidents():
                    if incident.id in alive:
                        continue
                    status = await self.engine.status(incident.id)
                    # An incident whose run has ended is not begun again, even where its closing was not written: people
                    # see it open.
                    if status.state is RunState.UNKNOWN:
                        await self.engine.start(incident.id, beginning(incident))
            except KubernautError as error:
                log.warning("open incidents cannot be looked through", error=str(error))
            await asyncio.sleep(REVIVE_S)

    async def _open_incidents(self) -> AsyncIterator[Incident]:
        """All of them: the oldest are those that would be forgotten for ever."""
        wanted = IncidentFilter(open_only=True, limit=_A_PAGE)
        while page := await self.incidents.find(wanted):
            for incident in page:
                yield incident
            wanted = replace(wanted, offset=wanted.offset + _A_PAGE)
