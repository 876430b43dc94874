"""How the cluster is around one incident: what makes automation ask before it acts on what was made for one fault."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.domain.errors import Forbidden
from kubernaut.domain.incidents import Incident
from kubernaut.domain.objects import KubeObject
from kubernaut.domain.workloads import is_ready, rollout_of
from kubernaut.planning.policy.document import Storm
from kubernaut.ports import Clock, ClusterReader, IncidentFilter, IncidentStore, Resource

# While one of these fires, what is seen of the cluster may be stale, and what is done to it may have no effect.
CONTROL_PLANE_ALERTS = (
    *("KubeAPIDown", "KubeAPIInstanceUnreachable", "KubeAPIErrorBudgetBurn", "KubernetesApiServerErrors"),
    *("KubeSchedulerDown", "KubeSchedulerInstanceUnreachable"),
    *("KubeControllerManagerDown", "KubeControllerManagerInstanceUnreachable"),
    *("etcdMembersDown", "etcdInsufficientMembers", "etcdNoLeader"),
)
_NODES = Resource("v1", "Node", "nodes", namespaced=False)
_WORKLOADS = (Resource("apps/v1", "Deployment", "deployments"), Resource("apps/v1", "StatefulSet", "statefulsets"))
# One node of two that is not ready is half of the nodes and no storm.
_LEAST_NODES = 3
# In a storm every incident asks at once; what they ask about does not change from one to the next.
_FRESH = timedelta(seconds=5)
_CONTROL_PLANE_SINCE = timedelta(hours=12)
_MOST = 1000


@dataclass(frozen=True, slots=True)
class View:
    """What was seen at a moment. `nodes` and `unhealthy` count nodes, of which 0 are known where they are forbidden."""

    at: datetime
    recent: tuple[Incident, ...]
    nodes: int
    unhealthy: int
    control_plane: str

    @property
    def unhealthy_share(self) -> float:
        """The share of nodes that are not ready; 0 where too few are known to speak of a share."""
        return self.unhealthy / self.nodes if self.nodes >= _LEAST_NODES else 0.0

    def open_incidents(self, since: datetime, namespace: str = "") -> int:
        """How many incidents that were opened since then are open, of one namespace or of all."""
        return sum(
            one.is_open and one.opened_at >= since and namespace in ("", one.target.namespace) for one in self.recent
        )

    def opened(self, namespace: str) -> tuple[datetime, ...]:
        """When incidents of the namespace were opened."""
        return tuple(one.opened_at for one in self.recent if one.target.namespace == namespace)


class Surroundings:
    """Looks around, and remembers what it saw for a few seconds."""

    def __init__(self, reader: ClusterReader, incidents: IncidentStore, clock: Clock) -> None:
        self._reader = reader
        self._incidents = incidents
        self._clock = clock
        self._seen: View | None = None
        self._looking = asyncio.Lock()

    async def view(self) -> View:
        """How the cluster is now."""
        # In a burst a hundred decisions ask at once, and one look serves them all.
        async with self._looking:
            now = self._clock.now()
            # A look from the future, after a clock was set back, is no fresh one.
            if self._seen is None or not timedelta() <= now - self._seen.at < _FRESH:
                # The lock is held over the look on purpose: the others want its answer and not a look of their own.
                self._seen = await self._look(now)
            return self._seen

    async def _look(self, now: datetime) -> View:
        recent = await self._incidents.find(IncidentFilter(since=now - timedelta(hours=2), limit=_MOST))
        nodes = await self._nodes()
        unhealthy = sum(not is_ready(node) for node in nodes)
        return View(now, tuple(recent), len(nodes), unhealthy, await self._control_plane(now))

    async def storm(self, storm: Storm, view: View, namespace: str) -> str:
        """Why this is no time for single remedies; empty where it is."""
        since = view.at - timedelta(minutes=storm.within_minutes)
        everywhere, here = view.open_incidents(since), view.open_incidents(since, namespace)
        if everywhere >= storm.open_incidents:
            return f"{everywhere} incidents began within {storm.within_minutes} min and are open: this is a storm"
        if namespace and storm.namespace_incidents is not None and here >= storm.namespace_incidents:
            return f"{here} incidents of {namespace} began within {storm.within_minutes} min and are open"
        if view.unhealthy_share >= storm.unhealthy_nodes:
            return f"{view.unhealthy} of {view.nodes} nodes are not ready"
        if namespace and storm.min_healthy_workloads is not None:
            return await self._sick_namespace(namespace, storm.min_healthy_workloads)
        return ""

    async def _sick_namespace(self, namespace: str, wanted: float) -> str:
        items = [item for kind in _WORKLOADS for item in (await self._reader.list(kind, namespace)).items]
        whole = sum(_is_whole(item) for item in items)
        if len(items) < _LEAST_NODES or whole >= wanted * len(items):
            return ""
        return f"only {whole} of {len(items)} workloads of {namespace} are whole, and {wanted:.0%} have to be"

    async def _nodes(self) -> tuple[KubeObject, ...]:
        try:
            return (await self._reader.list(_NODES)).items
        except Forbidden:
            # A role for single namespaces has no view of nodes; whoever gave it wants actions there all the same.
            return ()

    async def _control_plane(self, now: datetime) -> str:
        """The alert about the control plane that fires; its own incident may be closed long before it is resolved."""
        since = now - _CONTROL_PLANE_SINCE
        for name in CONTROL_PLANE_ALERTS:
            for one in await self._incidents.find(IncidentFilter(text=name, since=since, limit=20)):
                if one.alert == name and await self._incidents.still_firing(one.id):
                    return name
        return ""


def _is_whole(item: KubeObject) -> bool:
    rollout = rollout_of(item)
    return rollout.ready >= rollout.wanted
