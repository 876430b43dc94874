"""The one way in which actions raise a container's limit, and what has to leave room for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Final

from msgspec import Meta

from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.domain.quantities import memory_text, parse_quantity
from kubernaut.domain.workloads import wanted_pods
from kubernaut.execution.catalogue import Parameters, Prepared, Rule, Situation
from kubernaut.execution.editing import edit, setting
from kubernaut.execution.preconditions import over_quota, owned_elsewhere, rolling_reach
from kubernaut.execution.revisions import container_at
from kubernaut.execution.targets import find, workload_rules
from kubernaut.ports import ClusterReader
from kubernaut.resources import LIMIT_RANGE, NODE

CONTAINERS: Final = ("spec", "template", "spec", "containers")
READS: Final = (
    *workload_rules("get"),
    Rule("", "resourcequotas", ("list",)),
    Rule("", "limitranges", ("list",)),
    Rule("", "nodes", ("list",)),
)
WRITES: Final = workload_rules("patch")


class RaiseParameters(Parameters, frozen=True, forbid_unknown_fields=True):
    """Which container, and by how much."""

    container: Annotated[str, Meta(min_length=1, max_length=63, description="name of the container")]
    factor: Annotated[float, Meta(ge=1.1, le=4.0, description="new limit divided by the present one")]


def cpu_text(cores: Decimal) -> str:
    """A number of cores the way people write them, rounded up to a thousandth: `750m`, `2`."""
    thousandths = math.ceil(cores * 1000)
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"


SPELLED: Mapping[str, Callable[[Decimal], str]] = MappingProxyType({"memory": memory_text, "cpu": cpu_text})


async def raised(on: Situation[RaiseParameters], resource: str) -> Prepared | Refused:
    """The higher limit of the one container, where quota, LimitRange and the largest node leave room for it."""
    workload = await find(on, owned_elsewhere)
    if isinstance(workload, Refused):
        return workload
    place = container_at(workload, on.parameters.container)
    if place is None:
        return Refused("container_missing", f"{workload.ref} has no container {on.parameters.container}")
    path, container = place
    present = parse_quantity(container.at("resources", "limits", resource))
    if present is None:
        return Refused("no_limit", f"container {on.parameters.container} of {workload.ref} has no {resource} limit")
    spell = SPELLED[resource]
    wanted = parse_quantity(spell(present * Decimal(str(on.parameters.factor)))) or present
    more = (wanted - present) * wanted_pods(workload)
    demand = {f"limits.{resource}": more}
    request = parse_quantity(container.at("resources", "requests", resource))
    if request is None:
        # A container without a request is given its limit as one.
        demand |= {f"requests.{resource}": more, resource: more}
    refusal = await over_quota(on.reader, workload.namespace, demand)
    refusal = refusal or await no_room(on.reader, workload, resource, request, wanted)
    if refusal:
        return refusal
    operation = setting(workload, spell(wanted), *path, "resources", "limits", resource)
    return Prepared(workload, edit(workload, operation), rolling_reach(workload))


async def no_room(
    reader: ClusterReader, workload: KubeObject, resource: str, request: Decimal | None, limit: Decimal
) -> Refused | None:
    """Refuses what a LimitRange of the namespace or the largest node does not allow a container."""
    for item in (await reader.list(LIMIT_RANGE, workload.namespace)).items:
        for entry in item.trees("spec", "limits"):
            if _exceeds(entry, resource, request, limit):
                text = f"{item.ref} does not allow a {resource} limit of {SPELLED[resource](limit)}"
                return Refused("over_limit_range", text)
    nodes = (await reader.list(NODE)).items
    sizes = [parse_quantity(node.at("status", "allocatable", resource)) for node in nodes]
    largest = max((size for size in sizes if size is not None), default=None)
    if largest is not None and limit <= largest:
        return None
    size = SPELLED[resource](largest) if largest is not None else "unknown"
    return Refused("over_node", f"the largest node has {size}, the limit would be {SPELLED[resource](limit)}")


def _exceeds(entry: Tree, resource: str, request: Decimal | None, limit: Decimal) -> bool:
    most = parse_quantity(entry.at("max", resource))
    ratio = parse_quantity(entry.at("maxLimitRequestRatio", resource))
    too_much = entry.text("type") in {"Container", "Pod"} and most is not None and limit > most
    return too_much or (ratio is not None and request is not None and limit > ratio * request)
