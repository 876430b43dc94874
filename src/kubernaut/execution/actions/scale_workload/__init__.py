"""Sets the number of a workload's pods."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.execution.catalogue import Action, Prepared, Risk, Situation
from kubernaut.execution.preconditions import gone
from kubernaut.execution.scaling import READS, TARGETS, WRITES, ReplicasParameters, scaled


async def prepare(on: Situation[ReplicasParameters]) -> Prepared | Refused:
    """The change of the number."""
    workload = await on.reader.get(on.target)
    if workload is None:
        return gone(on.target)
    return await scaled(on.reader, workload, on.parameters.replicas)


ACTION = Action[ReplicasParameters](
    id=ActionId("scale_workload"),
    summary="sets the number of replicas of a Deployment or StatefulSet",
    targets=TARGETS,
    parameters=ReplicasParameters,
    when="there are fewer pods than the load needs, and no autoscaler",
    never="to 0, or where an autoscaler (HPA, KEDA) owns the number",
    before="same uid; no autoscaler; room in the quota; owner free",
    risk=Risk.LOW,
    undo="number back to the snapshot",
    reads=READS,
    writes=WRITES,
    prepare=prepare,
)
