"""Who would put back what an action changes, as the cluster is now."""

from __future__ import annotations

import pytest

from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.diagnosis import ActionCall, ActionId, Parameter
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import ObjectRef
from kubernaut.execution.catalogue import discover
from kubernaut.execution.owning import claim_on_call
from kubernaut.execution.previewing import ExecutionPorts, Owners, intend
from tests.remedies import DEPLOYMENT, StillClock, ref, town


def ports() -> ExecutionPorts:
    cluster = MemoryCluster(town())
    return ExecutionPorts(cluster, cluster, StillClock(), discover())


def call(action: str, target: ObjectRef, **parameters: Parameter) -> ActionCall:
    return ActionCall(ActionId(action), target, parameters)


async def test_the_replicas_of_an_autoscaled_workload_are_the_autoscalers_under_any_rule() -> None:
    scale = call("scale_workload", ref("Deployment", "rolling"), replicas=5)
    claim = await claim_on_call(ports(), scale, frozenset())
    assert claim is not None
    assert claim.fact == "HorizontalPodAutoscaler owns .spec.replicas (field manager kube-controller-manager, Update)"
    refused = await intend(ports(), scale, Owners(stop_gap=True))
    assert isinstance(refused, Refused)
    assert refused.guard == "autoscaled"


@pytest.mark.parametrize(
    "free",
    [
        call("scale_workload", DEPLOYMENT, replicas=5),
        call("restart_workload", DEPLOYMENT),
        call("restart_pod", ref("Pod", "checkout-c")),
        call("escalate", DEPLOYMENT),
        call("scale_workload", ref("Deployment", "nobody"), replicas=5),
    ],
    ids=lambda one: f"{one.action}-{one.target.name}",
)
async def test_what_nobody_keeps_is_claimed_by_nobody(free: ActionCall) -> None:
    assert await claim_on_call(ports(), free, frozenset()) is None
