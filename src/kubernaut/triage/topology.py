"""Which alerts tell of one fault, by what the cluster says of who serves whom."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from kubernaut.domain.incidents import Incident
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.ports import ClusterReader, IncidentFilter, IncidentStore
from kubernaut.triage.fingerprints import AVAILABILITY, fingerprint

SERVICE = "service"
# Beyond these an incident of its own is opened: it costs a second look, where a search through a storm would cost all.
_LOOKED_THROUGH = 50


def may_be_told_by_workload(target: ObjectRef, family: str) -> bool:
    """Whether an alert about a Service says no more than that its pods are not there."""
    return target.kind == "Service" and family == SERVICE


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The open incidents of a namespace, as far as they may be the matter of one more alert; the oldest counts."""

    reader: ClusterReader
    incidents: IncidentStore
    cluster: str

    async def behind(self, service: ObjectRef) -> Incident | None:
        """The incident of a workload that is not available and whose pods the Service selects."""
        found = await self.reader.get(service)
        selector = found.mapping("spec", "selector") if found else {}
        if not selector:
            return None
        for incident in await self._open(service.namespace):
            if not self._is_of(incident, AVAILABILITY):
                continue
            workload = await self.reader.get(incident.target)
            if workload is not None and selector.items() <= _pod_labels(workload).items():
                return incident
        return None

    async def in_front_of(self, workload: ObjectRef) -> Incident | None:
        """The incident of a Service without endpoints that selects the workload's pods."""
        open_here = await self._open(workload.namespace)
        services = [each for each in open_here if each.target.kind == "Service" and self._is_of(each, SERVICE)]
        found = await self.reader.get(workload) if services else None
        for incident in services if found else ():
            service = await self.reader.get(incident.target)
            selector = service.mapping("spec", "selector") if service else {}
            if found is not None and selector and selector.items() <= _pod_labels(found).items():
                return incident
        return None

    async def among(self, workloads: Collection[ObjectRef]) -> Incident | None:
        """The incident of one of these workloads."""
        place = next(iter(workloads)).namespace
        of_them = (each for each in await self._open(place) if each.target in workloads)
        return next((incident for incident in of_them if self._is_of(incident, AVAILABILITY)), None)

    async def _open(self, namespace: str) -> list[Incident]:
        wanted = IncidentFilter(open_only=True, namespace=namespace, limit=_LOOKED_THROUGH)
        # The store gives the newest first; the oldest is the one that others have joined already.
        return (await self.incidents.find(wanted))[::-1]

    def _is_of(self, incident: Incident, family: str) -> bool:
        return incident.fingerprint == fingerprint(self.cluster, incident.target, family)


def _pod_labels(workload: KubeObject) -> dict[str, str]:
    return workload.labels if workload.kind == "Pod" else workload.mapping("spec", "template", "metadata", "labels")
