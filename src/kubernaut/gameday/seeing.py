"""What stands in a namespace at a moment, read through the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.ports import ClusterReader, Resource
from kubernaut.resources import (
    AUTOSCALER,
    CONFIG_MAP,
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    ENDPOINT_SLICE,
    INGRESS,
    JOB,
    LIMIT_RANGE,
    NETWORK_POLICY,
    NODE,
    POD,
    REPLICA_SET,
    RESOURCE_QUOTA,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    VOLUME_CLAIM,
)

# What users of the system depend on.
SERVING = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, JOB, SERVICE, CONFIG_MAP, POD, ENDPOINT_SLICE)
# All that somebody may write in a namespace; events and endpoints are written by controllers alone.
WRITTEN = (
    *(CONFIG_MAP, SECRET, SERVICE, SERVICE_ACCOUNT, RESOURCE_QUOTA, LIMIT_RANGE, VOLUME_CLAIM),
    *(DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET, JOB, CRON_JOB, POD),
    *(AUTOSCALER, DISRUPTION_BUDGET, INGRESS, NETWORK_POLICY, ROLE, ROLE_BINDING),
)
# What a wrong remedy would change elsewhere.
ELSEWHERE = (NODE, DEPLOYMENT, STATEFUL_SET, DAEMON_SET, SERVICE)


@dataclass(frozen=True, slots=True)
class View:
    """Objects by their address."""

    objects: Mapping[ObjectRef, KubeObject]

    def get(self, ref: ObjectRef) -> KubeObject | None:
        """The object of that address."""
        return self.objects.get(ref)

    def of_kind(self, kind: str) -> list[KubeObject]:
        """All objects of a kind."""
        return [item for ref, item in self.objects.items() if ref.kind == kind]


async def see(reader: ClusterReader, namespace: str, resources: Sequence[Resource]) -> View:
    """The objects of these kinds, of all namespaces where `namespace` is empty."""
    found: dict[ObjectRef, KubeObject] = {}
    for resource in resources:
        for item in (await reader.list(resource, namespace)).items:
            ref = ObjectRef(resource.api_version, resource.kind, item.namespace, item.name)
            found[ref] = item
    return View(found)
