"""Raises the memory limit of one named container."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from kubernaut.domain.diagnosis import ActionId
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.domain.quantities import memory_text, parse_quantity
from kubernaut.domain.workloads import wanted_pods
from kubernaut.execution.catalogue import Action, Parameters, Prepared, Risk, Rule, Situation
from kubernaut.execution.editing import edit, position, setting
from kubernaut.execution.preconditions import being_deleted, first, gone, over_quota, owned_elsewhere, rolling_reach
from kubernaut.ports import ClusterReader
from kubernaut.resources import LIMIT_RANGE, NODE

_CONTAINERS = ("spec", "template", "spec", "containers")


class MemoryParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which container, and by how much."""

    container: Annotated[str, Meta(min_length=1, max_length=63, description="name of the container")]
    factor: Annotated[float, Meta(ge=1.1, le=4.0, description="new limit divided by the present one")]


async def prepare(on: Situation[MemoryParameters]) -> Prepared | Refused:
    """The higher limit, where quota, LimitRange and the largest node leave room for it."""
    workload = await on.reader.get(on.target)
    if workload is None:
        return gone(on.target)
    refusal = first(being_deleted(workload), owned_elsewhere(workload))
    if refusal:
        return refusal
    index = position(workload, on.parameters.container, *_CONTAINERS)
    if index is None:
        return Refused("container_missing", f"{workload.ref} has no container {on.parameters.container}")
    container = workload.trees(*_CONTAINERS)[index]
    present = parse_quantity(container.at("resources", "limits", "memory"))
    if present is None:
        return Refused("no_limit", f"container {on.parameters.container} of {workload.ref} has no memory limit")
    wanted = parse_quantity(memory_text(present * Decimal(str(on.parameters.factor)))) or present
    refusal = await _no_room(on.reader, workload, container, present, wanted)
    if refusal:
        return refusal
    operation = setting(workload, memory_text(wanted), *_CONTAINERS, index, "resources", "limits", "memory")
    return Prepared(workload, edit(workload, operation), rolling_reach(workload))


async def _no_room(
    reader: ClusterReader, workload: KubeObject, container: Tree, present: Decimal, wanted: Decimal
) -> Refused | None:
    more = (wanted - present) * wanted_pods(workload)
    demand = {"limits.memory": more}
    request = parse_quantity(container.at("resources", "requests", "memory"))
    if request is None:
        # A container without a request is given its limit as one.
        demand |= {"requests.memory": more, "memory": more}
    refusal = await over_quota(reader, workload.namespace, demand)
    return refusal or await _over_limit_range(reader, workload, request, wanted) or await _over_nodes(reader, wanted)


async def _over_limit_range(
    reader: ClusterReader, workload: KubeObject, request: Decimal | None, wanted: Decimal
) -> Refused | None:
    for item in (await reader.list(LIMIT_RANGE, workload.namespace)).items:
        for limit in item.trees("spec", "limits"):
            most = parse_quantity(limit.at("max", "memory"))
            ratio = parse_quantity(limit.at("maxLimitRequestRatio", "memory"))
            too_much = limit.text("type") in {"Container", "Pod"} and most is not None and wanted > most
            too_far = ratio is not None and request is not None and wanted > ratio * request
            if too_much or too_far:
                return Refused("over_limit_range", f"{item.ref} does not allow a memory limit of {memory_text(wanted)}")
    return None


async def _over_nodes(reader: ClusterReader, wanted: Decimal) -> Refused | None:
    sizes = [parse_quantity(node.at("status", "allocatable", "memory")) for node in (await reader.list(NODE)).items]
    largest = max((size for size in sizes if size is not None), default=None)
    if largest is not None and wanted <= largest:
        return None
    size = memory_text(largest) if largest is not None else "unknown"
    return Refused("over_node", f"the largest node has {size}, the limit would be {memory_text(wanted)}")


ACTION = Action[MemoryParameters](
    id=ActionId("increase_memory_limit"),
    summary="raises the memory limit of one container by a factor",
    targets=("Deployment", "StatefulSet", "DaemonSet"),
    parameters=MemoryParameters,
    when="a container is OOM killed by its own limit, and its use is steady",
    never="all containers at once, downwards, beyond quota, LimitRange or the largest node, or a second time (a leak)",
    before="same uid; a limit to raise; room in quota, LimitRange and nodes; owner free",
    risk=Risk.MEDIUM,
    undo="limit back to the snapshot",
    reads=(
        Rule("apps", "deployments", ("get",)),
        Rule("apps", "statefulsets", ("get",)),
        Rule("apps", "daemonsets", ("get",)),
        Rule("", "resourcequotas", ("list",)),
        Rule("", "limitranges", ("list",)),
        Rule("", "nodes", ("list",)),
    ),
    writes=(
        Rule("apps", "deployments", ("patch",)),
        Rule("apps", "statefulsets", ("patch",)),
        Rule("apps", "daemonsets", ("patch",)),
    ),
    prepare=prepare,
)
