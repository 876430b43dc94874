"""Who would put back what an action changes, as the cluster is now."""

from __future__ import annotations

import pytest

from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.domain.diagnosis import ActionCall, ActionId, Parameter
from kubernaut.domain.errors import Forbidden
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import ObjectRef
from kubernaut.execution.catalogue import discover
from kubernaut.execution.owning import claim_on_call
from kubernaut.execution.previewing import ExecutionPorts, Owners, intend
from kubernaut.ports import Listing, Resource
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


class Closed(MemoryCluster):
    """A cluster in which only single objects may be read."""

    async def list(
        self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "", limit: int = 5000
    ) -> Listing:
        raise Forbidden(f"listing {resource.plural} of {namespace}{labels}{fields}{limit}")


async def test_what_cannot_be_worked_out_holds_up_no_other_remedy() -> None:
    cluster = Closed(town())
    closed = ExecutionPorts(cluster, cluster, StillClock(), discover())
    assert await claim_on_call(closed, call("scale_workload", DEPLOYMENT, replicas=5), frozenset()) is None
    assert await claim_on_call(ports(), call("scale_workload", DEPLOYMENT, replicas="many"), frozenset()) is None
