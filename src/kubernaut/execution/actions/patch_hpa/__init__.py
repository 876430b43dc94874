"""Moves the bounds or the target of an autoscaler."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from kubernaut.domain.changes import PatchOperation
from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.preconditions import over_quota, pod_demand
from kubernaut.execution.targets import find, workload_rules

# Room for a real rise in load, and no bill without end for a metric that went wild.
_MOST_GROWTH = 3


class AutoscalerParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """The new bounds and target; 0 leaves a value as it is."""

    min_replicas: Annotated[int, Meta(ge=0, le=500, description="fewest pods; 0 leaves it")] = 0
    max_replicas: Annotated[
        int, Meta(ge=0, le=1000, description="most pods, at most three times as many; 0 leaves it")
    ] = 0
    cpu_percent: Annotated[int, Meta(ge=0, le=95, description="target share of the CPU request; 0 leaves it")] = 0


async def prepare(on: Situation[AutoscalerParameters]) -> Prepared | Refused:
    """The new values, where they are within bounds and the quota has room for the most pods."""
    autoscaler = await find(on)
    if isinstance(autoscaler, Refused):
        return autoscaler
    low, high = autoscaler.integer("spec", "minReplicas", default=1), autoscaler.integer("spec", "maxReplicas")
    lower, upper = on.parameters.min_replicas or low, on.parameters.max_replicas or high
    refusal = _out_of_bounds(autoscaler, lower, upper, high) or await _no_room(on, autoscaler, upper - high)
    if refusal:
        return refusal
    operations = [
        setting(autoscaler, value, "spec", field)
        for field, value, present in (("minReplicas", lower, low), ("maxReplicas", upper, high))
        if value != present
    ]
    target = _target(autoscaler, on.parameters.cpu_percent)
    if isinstance(target, Refused):
        return target
    operations += target
    if not operations:
        return Refused("no_effect", f"{autoscaler.ref} has these bounds already")
    return Prepared(autoscaler, edit(autoscaler, *operations), f"{low} to {high} replicas become {lower} to {upper}")


def _out_of_bounds(autoscaler: KubeObject, lower: int, upper: int, high: int) -> Refused | None:
    if lower > upper:
        return Refused("bounds", f"{autoscaler.ref} would have a minimum of {lower} above its maximum of {upper}")
    if upper > high * _MOST_GROWTH:
        return Refused("over_ceiling", f"{upper} is more than {_MOST_GROWTH} times the present maximum of {high}")
    return None


def _target(autoscaler: KubeObject, percent: int) -> list[PatchOperation] | Refused:
    if not percent:
        return []
    for index, metric in enumerate(autoscaler.trees("spec", "metrics")):
        if metric.text("resource", "name") == "cpu" and metric.text("resource", "target", "type") == "Utilization":
            if metric.integer("resource", "target", "averageUtilization") == percent:
                return []
            path = ("spec", "metrics", index, "resource", "target", "averageUtilization")
            return [setting(autoscaler, percent, *path)]
    return Refused("no_target", f"{autoscaler.ref} does not aim at a share of the CPU request")


async def _no_room(on: Situation[AutoscalerParameters], autoscaler: KubeObject, more: int) -> Refused | None:
    if more <= 0:
        return None
    aim = autoscaler.tree("spec", "scaleTargetRef")
    ref = ObjectRef(aim.text("apiVersion"), aim.text("kind"), autoscaler.namespace, aim.text("name"))
    workload = await on.reader.get(ref) if ref.kind in {"Deployment", "StatefulSet"} else None
    if workload is None:
        return Refused("target_missing", f"{autoscaler.ref} scales {ref}, which does not exist")
    return await over_quota(on.reader, autoscaler.namespace, pod_demand(workload.tree("spec", "template"), more))


ACTION = Action[AutoscalerParameters](
    id=ActionId("patch_hpa"),
    summary="moves the bounds or the CPU target of an autoscaler",
    targets=("HorizontalPodAutoscaler",),
    parameters=AutoscalerParameters,
    when="an autoscaler stands at its maximum, and the load is real",
    never="beyond three times the present maximum or the quota, or where GitOps or KEDA owns it",
    before="same uid; minimum not above maximum; room in the quota for the most pods; owner free",
    risk=Risk.MEDIUM,
    undo="bounds and target back to the snapshot",
    reads=(
        Rule("autoscaling", "horizontalpodautoscalers", ("get",)),
        *workload_rules("get", "Deployment", "StatefulSet"),
        Rule("", "resourcequotas", ("list",)),
    ),
    writes=(Rule("autoscaling", "horizontalpodautoscalers", ("patch",)),),
    prepare=prepare,
)
