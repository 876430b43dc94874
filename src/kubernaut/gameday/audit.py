"""Every write between two moments, by what objects say of themselves: generations, managed fields, what was intended.

A patch that only takes a field out leaves no manager behind, so the content is compared too; two writes that cancel
each other out show in the generation. What controllers derive (pods, ReplicaSets) is looked at for our name alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.domain.provenance import LAST_APPLIED
from kubernaut.gameday.seeing import View

OURS = "kubernaut"
_BOOKKEEPING = frozenset({"deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation"})
_MOVING = frozenset({"resourceVersion", "generation", "managedFields", "annotations"})
# What controllers put into every namespace.
_GIVEN = frozenset({("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default"), ("Namespace", "")})
_DERIVED = frozenset({"Pod", "ReplicaSet"})


@dataclass(frozen=True, slots=True)
class Written:
    """An object that was written, how often at least, and by whom where that shows."""

    ref: ObjectRef
    times: int
    managers: frozenset[str] = frozenset()


def writes_between(before: View, after: View) -> list[Written]:
    """What people or programs wrote; the work of controllers is left out."""
    found: list[Written] = []
    for ref in sorted({*before.objects, *after.objects}):
        if (ref.kind, ref.name) in _GIVEN:
            continue
        one = _written(ref, before.get(ref), after.get(ref))
        if one is not None:
            found.append(one)
    return found


def writes_by(manager: str, before: View, after: View, *, apart_from: str) -> list[Written]:
    """What that field manager wrote, outside of the namespaces whose names begin so."""
    return [
        Written(ref, 1, frozenset({manager}))
        for ref, item in sorted(after.objects.items())
        if not ref.namespace.startswith(apart_from) and manager in _new_managers(before.get(ref), item)
    ]


def _written(ref: ObjectRef, before: KubeObject | None, after: KubeObject | None) -> Written | None:
    if before is None or after is None:
        item = before or after
        return None if item is None or _is_derived(ref, item) else Written(ref, 1, _managers(item))
    managers = _new_managers(before, after)
    if _is_derived(ref, after):
        return Written(ref, 1, managers) if OURS in managers else None
    again = after.uid != before.uid
    changed = again or _content(before) != _content(after)
    times = max(after.generation - before.generation, 0)
    if not changed and not times and OURS not in managers:
        return None
    return Written(ref, max(times, 2 if again else 1), managers)


def _is_derived(ref: ObjectRef, item: KubeObject) -> bool:
    """Whether a controller makes it of something else, so that its coming and going is nobody's write."""
    return item.controller is not None or ref.kind in _DERIVED


def _managers(item: KubeObject) -> frozenset[str]:
    return frozenset(entry for entry, _ in _entries(item))


def _new_managers(before: KubeObject | None, after: KubeObject) -> frozenset[str]:
    known = set(_entries(before)) if before and before.uid == after.uid else set()
    return frozenset(manager for manager, mark in _entries(after) if (manager, mark) not in known)


def _entries(item: KubeObject) -> Iterator[tuple[str, str]]:
    for entry in item.trees("metadata", "managedFields"):
        if entry.text("subresource") != "status":
            mark = json.dumps([entry.text("time"), entry.at("fieldsV1"), entry.text("subresource")], sort_keys=True)
            yield entry.text("manager"), mark


def _content(item: KubeObject) -> str:
    metadata = {key: part for key, part in item.tree("metadata").raw.items() if key not in _MOVING}
    annotations = {key: text for key, text in item.annotations.items() if key not in _BOOKKEEPING | {LAST_APPLIED}}
    rest = {key: part for key, part in item.raw.items() if key not in {"status", "metadata"}}
    return json.dumps([metadata, annotations, rest], sort_keys=True)
