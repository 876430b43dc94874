"""Adds the requests and limits that a container lacks and a quota or an autoscaler asks for."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import Json, JsonObject, KubeObject, Tree, copied
from kubernaut.domain.quantities import parse_quantity
from kubernaut.domain.workloads import wanted_pods
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Situation
from kubernaut.execution.editing import edit, position, setting
from kubernaut.execution.preconditions import over_quota, rolling_reach
from kubernaut.execution.raising import CONTAINERS, READS, WRITES, no_room
from kubernaut.execution.targets import WORKLOADS, find

# A part of what Kubernetes takes: no exponents and no signs, which nobody writes and much can hide in.
_QUANTITY = r"^([0-9]{1,9}(\.[0-9]{1,3})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?)?$"


class RequestParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which container, and what it is to ask for; an empty one is left as it is."""

    container: Annotated[str, Meta(min_length=1, max_length=63, description="name of the container")]
    cpu_request: Annotated[str, Meta(pattern=_QUANTITY, description="cores, such as 250m")] = ""
    memory_request: Annotated[str, Meta(pattern=_QUANTITY, description="bytes, such as 256Mi")] = ""
    cpu_limit: Annotated[str, Meta(pattern=_QUANTITY, description="cores, such as 1")] = ""
    memory_limit: Annotated[str, Meta(pattern=_QUANTITY, description="bytes, such as 512Mi")] = ""

    def wanted(self) -> list[tuple[str, str, str]]:
        """`requests` or `limits`, the resource, and the quantity."""
        return [
            (part, resource, value)
            for part, resource, value in (
                ("requests", "cpu", self.cpu_request),
                ("requests", "memory", self.memory_request),
                ("limits", "cpu", self.cpu_limit),
                ("limits", "memory", self.memory_limit),
            )
            if value
        ]


async def prepare(on: Situation[RequestParameters]) -> Prepared | Refused:
    """What is missing is added; what is there is never changed."""
    workload = await find(on)
    if isinstance(workload, Refused):
        return workload
    index = position(workload, on.parameters.container, *CONTAINERS)
    if index is None:
        return Refused("container_missing", f"{workload.ref} has no container {on.parameters.container}")
    container = workload.trees(*CONTAINERS)[index]
    refusal = _unfit(workload, container, on.parameters) or await _too_much(on, workload, container)
    if refusal:
        return refusal
    resources = copied(dict(container.tree("resources").raw))
    for part, resource, value in on.parameters.wanted():
        there = resources.get(part)
        named: JsonObject = there if isinstance(there, dict) else {}
        resources[part] = {**named, resource: value}
    value_of: Json = resources
    operation = setting(workload, value_of, *CONTAINERS, index, "resources")
    return Prepared(workload, edit(workload, operation), rolling_reach(workload))


def _unfit(workload: KubeObject, container: Tree, parameters: RequestParameters) -> Refused | None:
    wanted = parameters.wanted()
    if not wanted:
        return Refused("no_effect", "nothing is to be added")
    for part, resource, _ in wanted:
        if container.has("resources", part, resource):
            text = f"container {parameters.container} of {workload.ref} has {part}.{resource} already"
            return Refused("declared_already", text)
    return None


async def _too_much(on: Situation[RequestParameters], workload: KubeObject, container: Tree) -> Refused | None:
    pods = wanted_pods(workload)
    demand: dict[str, Decimal] = {}
    for part, resource, value in on.parameters.wanted():
        number = parse_quantity(value) or Decimal(0)
        limit = parse_quantity(container.at("resources", "limits", resource))
        if part == "requests" and limit is not None and number > limit:
            return Refused("over_limit", f"a {resource} request of {value} is more than the container's limit")
        demand[f"{part}.{resource}"] = number * pods
        refusal = await no_room(on.reader, workload, resource, number if part == "requests" else None, number)
        if refusal:
            return refusal
    return await over_quota(on.reader, workload.namespace, demand)


ACTION = Action[RequestParameters](
    id=ActionId("set_resource_requests"),
    summary="adds the requests and limits that a container lacks",
    targets=WORKLOADS,
    parameters=RequestParameters,
    when="a quota refuses pods that declare none, or an autoscaler cannot compute a share of none",
    never="to change what is declared, or beyond quota, LimitRange or the largest node",
    before="same uid; the container declares none of them; room in quota, LimitRange and nodes; owner free",
    risk=Risk.MEDIUM,
    undo="resources back to the snapshot",
    reads=READS,
    writes=WRITES,
    prepare=prepare,
)
