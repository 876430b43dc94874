"""Brings back a workload that was scaled to zero by accident."""

from __future__ import annotations

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject
from kubernaut.execution.catalogue import Action, Prepared, Risk, Situation
from kubernaut.execution.preconditions import gone
from kubernaut.execution.scaling import READS, TARGETS, WRITES, ReplicasParameters, scaled

# Written by who scales to zero on purpose: kube-downscaler, py-kube-downscaler, KEDA, people who say so to us.
_INTENDED = (
    "downscaler/original-replicas",
    "downscaler/downtime-replicas",
    "autoscaling.keda.sh/paused-replicas",
    "autoscaling.keda.sh/paused",
    "kubernaut.ai/scaled-to-zero",
)


async def prepare(on: Situation[ReplicasParameters]) -> Prepared | Refused:
    """The change from 0 to the former number."""
    workload = await on.reader.get(on.target)
    if workload is None:
        return gone(on.target)
    present = workload.integer("spec", "replicas", default=1)
    if present != 0:
        return Refused("no_effect", f"{workload.ref} has {present} replicas, not 0")
    mark = _intended(workload)
    if mark:
        return Refused("intended", f"{workload.ref} is at 0 on purpose: it has {mark}")
    return await scaled(on.reader, workload, on.parameters.replicas)


def _intended(workload: KubeObject) -> str | None:
    marks = {**workload.labels, **workload.annotations}
    return next((mark for mark in _INTENDED if mark in marks), None)


ACTION = Action[ReplicasParameters](
    id=ActionId("restore_replicas"),
    summary="returns an accidental 0 to the last number of replicas",
    targets=TARGETS,
    parameters=ReplicasParameters,
    when="a workload that should run has 0 replicas, and its former number is known",
    never="where zero is intended (downscaler, KEDA, an annotation that says so)",
    before="same uid; 0 replicas; nothing that marks it as intended; room in the quota; owner free",
    risk=Risk.LOW,
    undo="back to 0",
    reads=READS,
    writes=WRITES,
    prepare=prepare,
)
