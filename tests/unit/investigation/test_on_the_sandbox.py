"""Faults as a simulated cluster shows them: nothing here is written to fit a rule."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.objects import ObjectRef
from kubernaut.investigation.diagnosing import diagnose, survey
from kubernaut.investigation.gathering import Scope, gather
from kubernaut.investigation.scene import Scene
from kubernaut.sandbox.clock import SteppedClock
from kubernaut.sandbox.failures import Failure
from kubernaut.sandbox.kinds import POD, STORED
from kubernaut.sandbox.kubelet.logs import render_log
from kubernaut.sandbox.scenarios import prepare_system
from kubernaut.sandbox.scenarios.faults import FAULTS, Fault, scaled_down
from kubernaut.sandbox.scenarios.system import APPS
from kubernaut.sandbox.universe import Universe
from tests.unit.investigation.scenes import best, causes


class Town:
    """A universe with one app, read as an investigation reads it."""

    def __init__(self, app: str) -> None:
        self.clock = SteppedClock()
        self.universe = Universe(self.clock)
        prepare_system(self.universe, app)

    def after(self, minutes: float) -> None:
        self.universe.simulation.run_until(self.clock, self.clock.now() + timedelta(minutes=minutes))

    async def scene(self, target: ObjectRef) -> Scene:
        storage = self.universe.cluster.storage
        cluster = MemoryCluster([dict(item.raw) for kind in STORED for item in storage.views(kind, "")])
        for pod in storage.views(POD, ""):
            for container in (*pod.trees("spec", "initContainers"), *pod.trees("spec", "containers")):
                for previous in (False, True):
                    try:
                        log = self.universe.kubelets.find_log(pod, container.text("name"), previous=previous)
                    except Failure:
                        continue
                    cluster.logs[pod.ref, container.text("name"), previous] = render_log(log)
        return await gather(cluster, ManualClock(self.clock.now()), Scope.of(target))


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
    names = [item.name for kind in STORED for item in storage.views(kind, "")]
    words = ("fault", "broken", "wrong", "fail", "crash", "missing", "denied", fault.cause)
    assert not [name for name in names if name != "default" and any(word in name for word in words)]


@pytest.mark.parametrize("app", ["checkout", "ledger", "profile"])
async def test_a_scaling_by_hand_is_no_fault_at_any_moment(app: str) -> None:
    town = Town(app)
    town.after(4)
    scaled_down(town.universe, app)
    target = ObjectRef("apps/v1", "Deployment", APPS[app].namespace, app)
    for _ in range(6):
        town.after(0.25)
        found = diagnose(await town.scene(target), target)
        assert best(found).cause in {"healthy", "rollout_in_progress", "self_healed"}
        assert not best(found).remedies
