"""An object as a few short facts: a part that fits one line stays whole, a larger one is taken apart."""

from __future__ import annotations

import json
from collections.abc import Iterator

from kubernaut.domain.objects import Json, JsonObject, KubeObject
from kubernaut.domain.redaction import HIDDEN, is_secret_name, redact_object

_LONGEST_PART = 280
_DEEPEST = 8
# What tells most first; of the metadata only what people set.
_ORDER = ("status", "spec")
_METADATA = ("labels", "annotations", "ownerReferences", "deletionTimestamp", "finalizers", "creationTimestamp")
_LEFT_OUT = frozenset({"apiVersion", "kind", "metadata"})
_NAMES = ("name", "type", "key", "ip")
# Here people choose the keys, so a key can say that its value is a secret; elsewhere `secretName` is just a name.
_FREE_KEYS = ("data", "metadata.annotations", "metadata.labels")


def parts_of(item: KubeObject, path: str = "") -> Iterator[tuple[str, str]]:
    """Path and text of each part, those that tell most first; only what lies at the path where one is given.

    Nothing secret is in it: what the reader left of a Secret are its keys, and their values are hidden once more.
    """
    raw = _shown(redact_object(item.raw if isinstance(item.raw, dict) else dict(item.raw)))
    for top, value in raw.items():
        yield from _taken_apart(top, value, path.strip("."), 0)


def _shown(raw: JsonObject) -> JsonObject:
    metadata = raw.get("metadata")
    own = metadata if isinstance(metadata, dict) else {}
    rest = sorted(key for key in raw if key not in {*_LEFT_OUT, *_ORDER})
    return {
        **{key: raw[key] for key in (*_ORDER, *rest) if key in raw},
        "metadata": {key: own[key] for key in _METADATA if key in own},
    }


def _taken_apart(path: str, value: Json, wanted: str, depth: int) -> Iterator[tuple[str, str]]:
    if not _leads_to(path, wanted):
        return
    text = json.dumps(value, ensure_ascii=False)
    inside = _children(path, value)
    whole = path.startswith(wanted) and (len(text) <= _LONGEST_PART or depth >= _DEEPEST)
    if whole or not inside:
        if path.startswith(wanted) and value not in ({}, [], None, ""):
            yield path, text
        return
    for below, part in inside:
        yield from _taken_apart(below, part, wanted, depth + 1)


def _leads_to(path: str, wanted: str) -> bool:
    return path.startswith(wanted) or wanted.startswith(path)


def _children(path: str, value: Json) -> list[tuple[str, Json]]:
    match value:
        case dict():
            free = path in _FREE_KEYS
            return [(f"{path}.{key}", HIDDEN if free and is_secret_name(key) else part) for key, part in value.items()]
        case list():
            return [(f"{path}[{_called(part, number)}]", part) for number, part in enumerate(value)]
        case _:
            return []


def _called(part: Json, number: int) -> str:
    names = [part.get(key) for key in _NAMES] if isinstance(part, dict) else []
    return next((name for name in names if isinstance(name, str) and name), str(number))
