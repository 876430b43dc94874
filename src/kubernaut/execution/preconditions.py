"""What several actions look at just before they act, each as a reason to refuse or None."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from kubernaut.domain.diagnosis import ActionCall
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject, ObjectRef, Tree
from kubernaut.domain.ownership import Claim
from kubernaut.domain.quantities import parse_quantity
from kubernaut.domain.workloads import rollout_of, wanted_pods
from kubernaut.ports import ClusterReader
from kubernaut.resources import AUTOSCALER, RESOURCE_QUOTA

AUTOSCALED: Final = "autoscaled"


def gone(ref: ObjectRef) -> Refused:
    """The refusal for a target that is not there."""
    return Refused("target_missing", f"{ref} does not exist any more")


def owned(call: ActionCall, claim: Claim) -> Refused:
    """The refusal of what an owner would put back."""
    return Refused("owned", f"{call.target} is {claim}; propose the change to its owner")


def being_deleted(item: KubeObject) -> Refused | None:
    """Refuses where the object is on its way out."""
    if not item.has("metadata", "deletionTimestamp"):
        return None
    return Refused("being_deleted", f"{item.ref} is being deleted")


def rolling_out(workload: KubeObject) -> Refused | None:
    """Refuses while a rollout moves pods from one template to the next. Pods that merely fail are no rollout."""
    progress = rollout_of(workload)
    if progress.settled:
        return None
    if not progress.observed:
        text = f"the controller of {workload.ref} has not taken up its newest spec yet"
    else:
        text = f"{workload.ref} is rolling out: {progress.updated} of {progress.wanted} pods are updated"
    return Refused("rollout_in_progress", text)


async def autoscaled(reader: ClusterReader, workload: KubeObject) -> Refused | None:
    """Refuses where an autoscaler (KEDA makes one too) owns the number of replicas."""
    listing = await reader.list(AUTOSCALER, workload.namespace)
    for autoscaler in listing.items:
        aim = autoscaler.tree("spec", "scaleTargetRef")
        if (aim.text("kind"), aim.text("name")) == (workload.kind, workload.name):
            return Refused(AUTOSCALED, f"{autoscaler.ref} owns the replicas of {workload.ref}: change its bounds")
    if not listing.complete:
        # What could not be read may be the one that matters; a guard that does not know says no.
        return Refused("not_read", f"not all autoscalers of {workload.namespace} could be read")
    return None


async def over_quota(reader: ClusterReader, namespace: str, demand: Mapping[str, Decimal]) -> Refused | None:
    """Refuses where a quota of the namespace leaves less than is demanded, by the quota's own resource names."""
    listing = await reader.list(RESOURCE_QUOTA, namespace)
    for quota in listing.items:
        # Such a quota counts only pods of some class; whether ours are among them is not worked out here.
        if quota.has("spec", "scopes") or quota.has("spec", "scopeSelector"):
            continue
        for name, wanted in demand.items():
            hard = parse_quantity(quota.at("status", "hard", name))
            used = parse_quantity(quota.at("status", "used", name)) or Decimal(0)
            if hard is not None and wanted > 0 and used + wanted > hard:
                left = quota.text("status", "hard", name)
                return Refused("over_quota", f"{quota.ref} allows {name} {left}, and too little of it is left")
    if not listing.complete:
        return Refused("not_read", f"not all quotas of {namespace} could be read")
    return None


def pod_demand(template: Tree, pods: int) -> dict[str, Decimal]:
    """What that many more pods of the template count for in a quota."""
    demand = {"pods": Decimal(pods), "count/pods": Decimal(pods)}
    for resource in ("cpu", "memory"):
        for part, amount in _amounts(template.trees("spec", "containers"), resource).items():
            demand[f"{part}.{resource}"] = amount * pods
        demand[resource] = demand[f"requests.{resource}"]
    return demand


def _amounts(containers: Sequence[Tree], resource: str) -> dict[str, Decimal]:
    total = {"requests": Decimal(0), "limits": Decimal(0)}
    for container in containers:
        limit = parse_quantity(container.at("resources", "limits", resource)) or Decimal(0)
        request = parse_quantity(container.at("resources", "requests", resource))
        total["limits"] += limit
        # The API server fills in a missing request from the limit before the quota counts it.
        total["requests"] += limit if request is None else request
    return total


def first(*refusals: Refused | None) -> Refused | None:
    """The first reason that stands."""
    return next((refusal for refusal in refusals if refusal is not None), None)


def rolling_reach(workload: KubeObject) -> str:
    """How a new template spreads, in words: `3 of 3 replicas, at most 1 at a time`."""
    wanted = wanted_pods(workload)
    if workload.kind == "DaemonSet":
        return f"{wanted} of {wanted} nodes, at most {_unavailable(workload, '1')} at a time"
    # maxUnavailable of a StatefulSet stands behind a feature gate; without it the controller goes one by one.
    if workload.kind == "StatefulSet":
        return f"{wanted} of {wanted} replicas, one at a time"
    if workload.text("spec", "strategy", "type") == "Recreate":
        return f"{wanted} of {wanted} replicas, all at once"
    return f"{wanted} of {wanted} replicas, at most {_unavailable(workload, '25%')} at a time"


def _unavailable(workload: KubeObject, default: str) -> str:
    for strategy in ("strategy", "updateStrategy"):
        value = workload.at("spec", strategy, "rollingUpdate", "maxUnavailable")
        if value is not None:
            default = str(value)
    share = default.removesuffix("%")
    if default.endswith("%") and share.isdecimal():
        # Rounded down, as the controller of a Deployment does it; where nothing is left it puts new pods beside the
        # old.
        return str(max(1, wanted_pods(workload) * int(share) // 100))
    return default
