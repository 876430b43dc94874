"""What becomes of signals that nobody can take in."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
import structlog
from structlog.testing import LogCapture

from kubernaut import reception
from kubernaut.adapters.memory.engine import MemoryEngine
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.domain.signals import Signal
from kubernaut.engine import Run, outcome
from kubernaut.healing.stages import Stages
from kubernaut.ports import Admission
from kubernaut.reception import BATCH, Reception
from kubernaut.triage.admission import Resolved, SetAside, TriageStage
from tests.examples import a_signal
from tests.misrouted_shop import MisroutedShop


class BreakingTriage(TriageStage):
    """Has a defect that alerts without a severity bring out."""

    async def admit(self, signal: Signal) -> Admission | Resolved | SetAside:
        if "severity" not in signal.labels:
            raise ZeroDivisionError(signal.id)
        return await TriageStage.admit(self, signal)


def breaking(stages: Stages) -> Stages:
    of = stages.triage
    return replace(stages, triage=BreakingTriage(of.reader, of.signals, of.incidents, of.clock, of.ids, of.policy))


async def test_alerts_that_bring_out_a_defect_stop_neither_the_service_nor_those_behind_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reception, "RETRY_S", 0)
    told = LogCapture()
    # Loggers of its own: how much the others tell is set for the whole process, by whichever test came last.
    every = structlog.make_filtering_bound_logger("debug")
    for module in (reception, outcome):
        monkeypatch.setattr(module, "log", structlog.wrap_logger(None, processors=[told], wrapper_class=every))
    shop, begun = MisroutedShop(), asyncio.Event()
    wanted = {"namespace": "shop", "service": "cart", "severity": "critical"}
    broken = [a_signal(alert=f"broken-{number}") for number in range(BATCH + 20)]
    await shop.inbox.accept([*broken, a_signal(alert="good", labels=wanted)])

    async def workflow(_run: Run, _argument: JsonObject) -> Json:
        begun.set()
        return None

    async with MemoryEngine(workflow, shop.clock) as engine, asyncio.timeout(10), asyncio.TaskGroup() as group:
        arrived = asyncio.Event()
        stages, meter = breaking(shop.stages), MemoryMeter()
        taken = Reception("one", stages, engine, shop.inbox, shop.incidents, shop.leases, meter, arrived)
        working = group.create_task(taken.work())
        await begun.wait()
        working.cancel()

    assert f"admit: ZeroDivisionError: {broken[0].id}" in {line.get("error") for line in told.entries}
    assert len(taken.stuck) == len(broken)
    assert {signal.id for signal in await shop.inbox.waiting(1000)} == {signal.id for signal in broken}
