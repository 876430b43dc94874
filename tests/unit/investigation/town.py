"""A simulated cluster with one app, read as an investigation reads it."""

from __future__ import annotations

from datetime import timedelta

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.objects import ObjectRef
from kubernaut.investigation.diagnosing import diagnose, survey
from kubernaut.investigation.inquiry import first_look, first_survey, inquire
from kubernaut.investigation.scene import Scene
from kubernaut.sandbox.clock import SteppedClock
from kubernaut.sandbox.failures import Failure
from kubernaut.sandbox.kinds import POD, STORED
from kubernaut.sandbox.kubelet.logs import render_log
from kubernaut.sandbox.scenarios import prepare_system
from kubernaut.sandbox.scenarios.system import APPS
from kubernaut.sandbox.universe import Universe


class Town:
    """The universe on a clock that jumps."""

    def __init__(self, app: str) -> None:
        self.app = APPS[app]
        self.clock = SteppedClock()
        self.universe = Universe(self.clock)
        prepare_system(self.universe, app)

    @property
    def deployment(self) -> ObjectRef:
        return ObjectRef("apps/v1", "Deployment", self.app.namespace, self.app.name)

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

        def examine(scene: Scene) -> None:
            diagnose(scene, target)
            survey(scene)

        first = first_look([target]) | first_survey([target.namespace])
        scene, _ = await inquire(cluster, ManualClock(self.clock.now()), first, examine)
        return scene
