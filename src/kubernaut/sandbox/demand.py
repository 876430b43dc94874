"""What a pod demands of a node and of a quota: its containers together, or more while it is initialised."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from kubernaut.domain.objects import Tree
from kubernaut.domain.quantities import amount

Amounts = Mapping[str, Decimal]
_NOTHING = Decimal(0)


def is_companion(container: Tree) -> bool:
    """Whether an init container runs on beside the containers: one that is always started again."""
    return container.text("restartPolicy") == "Always"


def demand_of(pod: Tree, part: str) -> Amounts:
    """The requests or the limits of a pod, by resource, as the scheduler and the quota count them."""
    running: Amounts = {}
    for container in pod.trees("spec", "containers"):
        running = _added(running, _declared(container, part))
    companions: Amounts = {}
    most: Amounts = {}
    for container in pod.trees("spec", "initContainers"):
        own = _declared(container, part)
        most = _larger(most, _added(companions, own))
        if is_companion(container):
            companions, running = _added(companions, own), _added(running, own)
    return _larger(running, most)


def _declared(container: Tree, part: str) -> Amounts:
    return {name: amount(value) for name, value in container.tree("resources", part).raw.items()}


def _added(one: Amounts, other: Amounts) -> Amounts:
    return {name: one.get(name, _NOTHING) + other.get(name, _NOTHING) for name in {**one, **other}}


def _larger(one: Amounts, other: Amounts) -> Amounts:
    return {name: max(one.get(name, _NOTHING), other.get(name, _NOTHING)) for name in {**one, **other}}
