"""Faults as a simulated cluster shows them: nothing here is written to fit a rule."""

from __future__ import annotations

import pytest

from kubernaut.investigation.diagnosing import diagnose, survey
from kubernaut.sandbox.kinds import STORED
from kubernaut.sandbox.scenarios.faults import FAULTS, Fault
from tests.unit.investigation.scenes import best, causes
from tests.unit.investigation.town import Town


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_is_told_as_what_it_is(fault: Fault) -> None:
    town = Town(fault.app)
    fault.prepare(town.universe)
    town.after(4)
    healthy = await town.scene(fault.target)
    assert survey(healthy) == []
    fault.inject(town.universe)
    town.after(13)
    found = diagnose(await town.scene(fault.target), fault.target)
    assert best(found).cause == fault.cause, [best(found).summary, causes(found)]
    assert best(found).verdict is fault.verdict


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_nothing_but_the_fault_itself_tells_its_answer(fault: Fault) -> None:
    town = Town(fault.app)
    fault.prepare(town.universe)
    town.after(2)
    fault.inject(town.universe)
    storage = town.universe.cluster.storage
    names = [item.name for kind in STORED for item in storage.views(kind, "") if item.name != "default"]
    words = ("fault", "broken", "wrong", "fail", "crash", "missing", "denied", fault.cause)
    assert not [name for name in names if any(word in name for word in words)]
