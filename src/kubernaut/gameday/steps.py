"""What people do to a cluster by mistake, as plain writes to the API: the same on every cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from kubernaut.domain.objects import Json, JsonObject, ObjectRef

Draft: TypeAlias = JsonObject


@dataclass(frozen=True, slots=True)
class Apply:
    """`kubectl apply`: makes the object, or brings spec and content to what the manifest says."""

    manifest: JsonObject


@dataclass(frozen=True, slots=True)
class Edit:
    """`kubectl edit`: reads the object, changes it, writes it back."""

    ref: ObjectRef
    change: Callable[[Draft], None]
    manager: str = "kubectl-edit"


@dataclass(frozen=True, slots=True)
class Scale:
    """`kubectl scale`."""

    ref: ObjectRef
    replicas: int


@dataclass(frozen=True, slots=True)
class Delete:
    """`kubectl delete`."""

    ref: ObjectRef


@dataclass(frozen=True, slots=True)
class DeletePods:
    """`kubectl delete pod -l app=NAME`."""

    namespace: str
    app: str


Step: TypeAlias = Apply | Edit | Scale | Delete | DeletePods


def section(item: JsonObject, *path: str) -> JsonObject:
    """The object at the path, made where it is not there; to be changed."""
    for key in path:
        inner = item.get(key)
        if not isinstance(inner, dict):
            inner = item[key] = {}
        item = inner
    return item


def entries(item: JsonObject, *path: str) -> list[JsonObject]:
    """The objects of the list at the path, to be changed."""
    found: Json = section(item, *path[:-1]).get(path[-1])
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def container_of(item: JsonObject) -> JsonObject:
    """The first container of a workload's template, to be changed."""
    return entries(item, "spec", "template", "spec", "containers")[0]


def pod_spec_of(item: JsonObject) -> JsonObject:
    """The spec of a workload's template, to be changed."""
    return section(item, "spec", "template", "spec")


def labels_of(app: str) -> Mapping[str, str]:
    """The labels by which the pods of an app are found."""
    return {"app": app}
