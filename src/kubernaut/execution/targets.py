"""The object that an action works on, read just before, and the rights that reading and changing it takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from kubernaut.domain.changes import MARK, ObjectCreation
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import JsonObject, KubeObject, ObjectRef
from kubernaut.execution.catalogue import Parameters, Rule, Situation
from kubernaut.execution.preconditions import being_deleted, first, gone

P = TypeVar("P", bound=Parameters)

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
_NOT_CREATED = frozenset(
    {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink", "deletionTimestamp"}
)


def workload_rules(verb: str, *kinds: str) -> tuple[Rule, ...]:
    """One rule a kind of workload, of all three where none is named."""
    return tuple(Rule("apps", f"{kind.lower()}s", (verb,)) for kind in kinds or WORKLOADS)


async def find(on: Situation[P], *checks: Callable[[KubeObject], Refused | None]) -> KubeObject | Refused:
    """The target, unless it is gone, on its way out, or one of the checks objects."""
    item = await on.reader.get(on.target)
    if item is None:
        return gone(on.target)
    return being_deleted(item) or first(*(check(item) for check in checks)) or item


def creation(target: ObjectRef, body: JsonObject, at: datetime, cause: str) -> ObjectCreation:
    """A new object with the mark by which it is known again, after a crash and for its way back."""
    mark = f"{cause}-{at:%Y%m%d%H%M%S}"
    given = body.get("metadata")
    metadata: JsonObject = dict(given) if isinstance(given, dict) else {}
    annotations = metadata.get("annotations")
    metadata["annotations"] = {**(annotations if isinstance(annotations, dict) else {}), MARK: mark}
    metadata["name"] = target.name
    if target.namespace:
        metadata["namespace"] = target.namespace
    return ObjectCreation(target, {**body, "metadata": metadata}, mark)


def again(item: KubeObject) -> JsonObject:
    """The object as it would be created anew: without what the API server and the controllers wrote."""
    body = {key: value for key, value in item.raw.items() if key != "status"}
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        body["metadata"] = {key: value for key, value in metadata.items() if key not in _NOT_CREATED}
    return body
