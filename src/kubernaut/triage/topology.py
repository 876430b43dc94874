"""Which alerts tell of one fault, by what the cluster says of who serves whom."""

from __future__ import annotations

from kubernaut.domain.incidents import Incident
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.ports import ClusterReader, IncidentFilter, IncidentStore
from kubernaut.triage.fingerprints import AVAILABILITY, fingerprint

# Beyond these an incident of its own is opened: it costs a second look, where a search through a storm would cost all.
_LOOKED_THROUGH = 50


def may_be_told_by_workload(target: ObjectRef, family: str) -> bool:
    """Whether an alert about a Service says no more than that its pods are not there."""
    return target.kind == "Service" and family == "service"


async def incident_behind(
    service: ObjectRef, reader: ClusterReader, incidents: IncidentStore, *, cluster: str
) -> Incident | None:
    """The oldest open incident of a workload that is not available and whose pods the Service selects."""
    found = await reader.get(service)
    selector = found.mapping("spec", "selector") if found else {}
    if not selector:
        return None
    wanted = IncidentFilter(open_only=True, namespace=service.namespace, limit=_LOOKED_THROUGH)
    for incident in reversed(await incidents.find(wanted)):
        if incident.fingerprint != fingerprint(cluster, incident.target, AVAILABILITY):
            continue
        workload = await reader.get(incident.target)
        if workload is not None and selector.items() <= _pod_labels(workload).items():
            return incident
    return None


def _pod_labels(workload: KubeObject) -> dict[str, str]:
    return workload.labels if workload.kind == "Pod" else workload.mapping("spec", "template", "metadata", "labels")
