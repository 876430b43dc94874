"""What a piece of output says of an object, and how several pieces become one object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from kubernaut.adapters.snapshot.ages import Age
from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.ports import Resource

Step = str | int
_KEYS = ("name", "type", "containerPort", "mountPath")


class Fullness(IntEnum):
    """How much a form of output tells: what tells more is not overruled by what tells less."""

    NAMED = 0
    TABLE = 1
    PART = 2
    DESCRIBED = 3
    WHOLE = 4


@dataclass(frozen=True, slots=True)
class Sighting:
    """`namespace` is None where the context of the command decided it; `ages` are times that are told as ages."""

    resource: Resource
    namespace: str | None
    name: str
    fullness: Fullness
    raw: JsonObject
    ages: Mapping[tuple[Step, ...], Age] = field(default_factory=dict)


def merged(parts: Iterable[JsonObject]) -> JsonObject:
    """The parts as one object: what a later part says replaces or completes what an earlier one said."""
    whole: JsonObject = {}
    for part in parts:
        whole = _both(whole, part)
    return whole


def _both(old: JsonObject, new: JsonObject) -> JsonObject:
    both = dict(old)
    for key, value in new.items():
        known = both.get(key)
        # The state of a container is one of three: a new one does not complete the one before.
        if isinstance(known, dict) and isinstance(value, dict) and key not in {"state", "lastState"}:
            both[key] = _both(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            both[key] = _lists(known, value)
        else:
            both[key] = value
    return both


def _lists(old: list[Json], new: list[Json]) -> list[Json]:
    for key in _KEYS:
        first, second = _by(key, old), _by(key, new)
        if first is not None and second is not None:
            joined = {name: _both(first.get(name, {}), item) for name, item in second.items()}
            return [*joined.values()]
    return new


def _by(key: str, items: list[Json]) -> dict[str, JsonObject] | None:
    found: dict[str, JsonObject] = {}
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get(key), str | int):
            return None
        found[str(item[key])] = item
    return found if len(found) == len(items) else None


def put(raw: JsonObject, path: tuple[Step, ...], value: Json) -> None:
    """Sets what stands at the path; nothing where the path leads through something else."""
    place: Json = raw
    for step in path[:-1]:
        if isinstance(place, dict) and isinstance(step, str):
            place = place.setdefault(step, {})
        elif isinstance(place, list) and isinstance(step, int) and step < len(place):
            place = place[step]
        else:
            return
    if isinstance(place, dict) and isinstance(path[-1], str):
        place[path[-1]] = value


def without_nothing(raw: JsonObject) -> JsonObject:
    """The object without fields that hold nothing."""
    return {
        key: without_nothing(value) if isinstance(value, dict) else value
        for key, value in raw.items()
        if value not in (None, "", {}, [])
    }


def labels_of(text: str) -> JsonObject:
    """`app=web,tier=a` as a map; `<none>` is an empty one."""
    if text in ("", "<none>", "<unset>"):
        return {}
    pairs = (part.strip().partition("=") for part in text.split(","))
    return {key: value for key, _, value in pairs if key}


def owner_reference(kind: str, api_version: str, name: str) -> list[Json]:
    """The reference to a controller that is known by its name."""
    return [{"apiVersion": api_version, "kind": kind, "name": name, "controller": True}]


def has_template(raw: JsonObject) -> bool:
    """Whether it is known what its pods are made of."""
    return bool(Tree(raw).trees("spec", "template", "spec", "containers"))
