"""What the alert expressions look at: the state now, and the short memory that ranges such as `[5m]` need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.domain.selectors import equals, matches
from kubernaut.sandbox.controllers.endpoint_slices import target_number
from kubernaut.sandbox.kinds import DAEMON_SET, DEPLOYMENT, ENDPOINT_SLICE, POD, SERVICE, STATEFUL_SET
from kubernaut.sandbox.universe import Universe

_CRASH_RANGE = timedelta(minutes=5)
_CHANGE_RANGE = timedelta(minutes=10)
_FORGET = timedelta(minutes=30)
Place = tuple[str, ...]


@dataclass(slots=True)
class Observations:
    """The universe with the memory of earlier evaluations."""

    universe: Universe
    now: datetime
    _crashing: dict[Place, datetime] = field(default_factory=dict)
    _updated: dict[Place, tuple[int, datetime]] = field(default_factory=dict)
    _restarts: dict[Place, list[tuple[datetime, int]]] = field(default_factory=dict)

    def look(self, now: datetime) -> None:
        """Takes note of the state at this moment."""
        self.now = now
        for pod in self.pods():
            for status in container_statuses(pod):
                self._look_at((pod.namespace, pod.name, status.text("name")), status, now)
        for kind in (DEPLOYMENT, STATEFUL_SET):
            for item in self.universe.cluster.storage.views(kind):
                place, count = (kind.name, item.namespace, item.name), item.integer("status", "updatedReplicas")
                before = self._updated.get(place)
                if before is None or before[0] != count:
                    # The first sample is no change.
                    self._updated[place] = (count, now if before else now - _CHANGE_RANGE)
        self._crashing = {place: at for place, at in self._crashing.items() if at >= now - _FORGET}

    def _look_at(self, place: Place, status: Tree, now: datetime) -> None:
        if status.text("state", "waiting", "reason") == "CrashLoopBackOff":
            self._crashing[place] = now
        known = self._restarts.setdefault(place, [])
        known.append((now, status.integer("restartCount")))
        known[:] = [entry for entry in known if entry[0] >= now - _CHANGE_RANGE]

    def pods(self) -> list[KubeObject]:
        """All pods."""
        return self.universe.cluster.storage.views(POD)

    def was_crash_looping(self, pod: KubeObject, container: str) -> bool:
        """Whether it waited in CrashLoopBackOff within the last five minutes."""
        at = self._crashing.get((pod.namespace, pod.name, container))
        return at is not None and at >= self.now - _CRASH_RANGE

    def restarted(self, pod: KubeObject, container: str) -> bool:
        """Whether its restart count rose within the last ten minutes."""
        known = self._restarts.get((pod.namespace, pod.name, container), [])
        return bool(known) and known[-1][1] > known[0][1]

    def is_rolling(self, item: KubeObject) -> bool:
        """Whether the count of updated replicas changed within the last ten minutes."""
        known = self._updated.get((item.kind, item.namespace, item.name))
        return known is not None and known[1] > self.now - _CHANGE_RANGE

    def services(self) -> list[KubeObject]:
        """The Services that have a selector."""
        return [item for item in self.universe.cluster.storage.views(SERVICE) if item.mapping("spec", "selector")]

    def endpoints(self, service: KubeObject) -> Iterator[tuple[Tree, list[int]]]:
        """The ready endpoints of the Service, each with its ports."""
        for part in self.universe.cluster.storage.views(ENDPOINT_SLICE, service.namespace):
            if part.labels.get("kubernetes.io/service-name") != service.name:
                continue
            ports = [port.integer("port") for port in part.trees("ports")]
            for endpoint in part.trees("endpoints"):
                if endpoint.flag("conditions", "ready"):
                    yield endpoint, ports

    def workloads_behind(self, service: KubeObject) -> list[KubeObject]:
        """The workloads whose pods the Service selects."""
        selector = equals(service.mapping("spec", "selector"))
        storage = self.universe.cluster.storage
        found = [
            item for kind in (DEPLOYMENT, STATEFUL_SET, DAEMON_SET) for item in storage.views(kind, service.namespace)
        ]
        return [item for item in found if matches(selector, item.mapping("spec", "template", "metadata", "labels"))]

    def answers(self, service: KubeObject) -> bool:
        """Whether a connection through every port of the Service would be taken by some ready pod."""
        storage, kubelets = self.universe.cluster.storage, self.universe.kubelets
        selector = equals(service.mapping("spec", "selector"))
        pods = [pod for pod in storage.views(POD, service.namespace) if matches(selector, pod.labels)]
        return all(
            any(kubelets.listens_on(pod, target_number(port, pod), self.now) for pod in pods)
            for port in service.trees("spec", "ports")
        )


def container_statuses(pod: KubeObject) -> list[Tree]:
    """The statuses of the pod's containers."""
    return pod.trees("status", "containerStatuses")
