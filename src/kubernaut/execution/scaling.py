"""The one way in which actions change a number of replicas."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from msgspec import Meta

from kubernaut.domain.changes import PatchOperation
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject
from kubernaut.execution.catalogue import Parameters, Prepared, Rule
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.preconditions import autoscaled, being_deleted, first, over_quota, owned_elsewhere, pod_demand
from kubernaut.ports import ClusterReader

TARGETS = ("Deployment", "StatefulSet")
READS = (
    Rule("apps", "deployments", ("get",)),
    Rule("apps", "statefulsets", ("get",)),
    Rule("autoscaling", "horizontalpodautoscalers", ("list",)),
    Rule("", "resourcequotas", ("list",)),
)
WRITES = (Rule("apps", "deployments/scale", ("patch",)), Rule("apps", "statefulsets/scale", ("patch",)))


class ReplicasParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """How many pods."""

    replicas: Annotated[int, Meta(ge=1, le=1000, description="wanted number of pods, never 0")]


async def scaled(reader: ClusterReader, workload: KubeObject, replicas: int) -> Prepared | Refused:
    """The change to that number, by the scale subresource, where nobody else owns it and there is room."""
    present = workload.integer("spec", "replicas", default=1)
    refusal = first(being_deleted(workload), owned_elsewhere(workload))
    # Zero switches an autoscaler off: until somebody else writes a number, it does nothing.
    if not refusal and present > 0:
        refusal = await autoscaled(reader, workload)
    if refusal:
        return refusal
    if present == replicas:
        return Refused("no_effect", f"{workload.ref} has {present} replicas already")
    if replicas > present:
        demand = pod_demand(workload.tree("spec", "template"), replicas - present)
        refusal = await over_quota(reader, workload.namespace, demand)
        if refusal:
            return refusal
    change = edit(workload, _on_scale(workload, replicas), subresource="scale")
    return Prepared(workload, change, f"{present} replicas become {replicas}")


def _on_scale(workload: KubeObject, replicas: int) -> PatchOperation:
    # A Scale leaves out a zero, so `replace` would find nothing there; `add` sets in both cases.
    return replace(setting(workload, replicas, "spec", "replicas"), op="add")
