"""ResourceQuota: what objects use, and the refusal of what would exceed it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from kubernaut.domain.objects import JsonObject, KubeObject, Tree
from kubernaut.domain.quantities import amount, format_quantity
from kubernaut.sandbox.demand import demand_of
from kubernaut.sandbox.failures import Failure, forbidden
from kubernaut.sandbox.kinds import BY_NAME, CLAIM, CONFIG_MAP, POD, RESOURCE_QUOTA, SECRET, SERVICE, Kind
from kubernaut.sandbox.storage import Storage

Usage = dict[str, Decimal]
_COUNTED: tuple[Kind, ...] = (SERVICE, CONFIG_MAP, SECRET, CLAIM)
_COMPUTE = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
_FINISHED = frozenset({"Succeeded", "Failed"})


def pod_usage(pod: Tree) -> Usage:
    """What one pod counts for; nothing once it has finished."""
    if pod.text("status", "phase") in _FINISHED:
        return {}
    used: Usage = {"pods": Decimal(1), "count/pods": Decimal(1)}
    for part in ("requests", "limits"):
        used |= {f"{part}.{resource}": value for resource, value in demand_of(pod, part).items()}
    for short in ("cpu", "memory"):
        if f"requests.{short}" in used:
            used[short] = used[f"requests.{short}"]
    return used


def object_usage(item: Tree) -> Usage:
    """What an object counts for."""
    kind = BY_NAME.get((item.text("apiVersion"), item.text("kind")))
    if kind is None:
        return {}
    if kind is POD:
        return pod_usage(item)
    used: Usage = {f"count/{kind.qualified}": Decimal(1)}
    if kind in _COUNTED:
        used[kind.plural] = Decimal(1)
    if kind is CLAIM:
        used["requests.storage"] = amount(item.at("spec", "resources", "requests", "storage"))
    return used


def namespace_usage(storage: Storage, namespace: str, names: Mapping[str, object]) -> Usage:
    """The sum over a namespace of what the quota limits."""
    total: Usage = {name: Decimal(0) for name in names}
    kinds = {POD, *_COUNTED}
    for name in names:
        kinds |= {kind for kind in BY_NAME.values() if name == f"count/{kind.qualified}" and not kind.stored_as}
    for kind in kinds:
        for item in storage.views(kind, namespace):
            for name, value in object_usage(item).items():
                if name in total:
                    total[name] += value
    return total


def show(name: str, value: Decimal) -> str:
    """The amount as the resource's own format prints it."""
    return format_quantity(value, binary=name.endswith(("memory", "storage")))


def quota_status(storage: Storage, quota: KubeObject) -> JsonObject:
    """The status the quota controller writes."""
    hard = quota.mapping("spec", "hard")
    used = namespace_usage(storage, quota.namespace, hard)
    return {"hard": {**hard}, "used": {name: show(name, used[name]) for name in hard}}


def check_quota(storage: Storage, kind: Kind, item: JsonObject) -> None:
    """Raises the 403 failure where creating the object would exceed a quota of its namespace."""
    tree = KubeObject(item)
    quotas = storage.views(RESOURCE_QUOTA, tree.namespace) if tree.namespace else []
    for quota in sorted(quotas, key=lambda each: each.name):
        if refusal := _refusal(storage, kind, tree, quota):
            raise refusal


def _refusal(storage: Storage, kind: Kind, item: KubeObject, quota: KubeObject) -> Failure | None:
    hard = quota.mapping("spec", "hard")
    wanted = {name: value for name, value in object_usage(item).items() if name in hard}
    if kind is POD:
        missing = _undeclared(item, hard)
        if missing:
            return forbidden(kind, item.name, f"failed quota: {quota.name}: must specify {missing}")
    if not wanted:
        return None
    used = namespace_usage(storage, quota.namespace, wanted)
    over = sorted(name for name, value in wanted.items() if used[name] + value > amount(hard[name]))
    if not over:
        return None
    requested = ",".join(f"{name}={show(name, wanted[name])}" for name in over)
    in_use = ",".join(f"{name}={show(name, used[name])}" for name in over)
    limited = ",".join(f"{name}={hard[name]}" for name in over)
    why = f"exceeded quota: {quota.name}, requested: {requested}, used: {in_use}, limited: {limited}"
    return forbidden(kind, item.name, why)


def _undeclared(pod: Tree, hard: Mapping[str, str]) -> str:
    parts: list[str] = []
    for name in sorted(hard):
        full = f"requests.{name}" if name in ("cpu", "memory") else name
        if full not in _COMPUTE:
            continue
        section, resource = full.split(".")
        without = sorted(
            container.text("name")
            for container in [*pod.trees("spec", "containers"), *pod.trees("spec", "initContainers")]
            if not container.has("resources", section, resource)
        )
        if without:
            parts.append(f"{name} for: {','.join(without)}")
    return "; ".join(parts)
