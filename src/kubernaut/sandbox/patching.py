"""JSON patch (RFC 6902) and JSON merge patch (RFC 7386) on plain JSON values."""

from __future__ import annotations

from collections.abc import Sequence

from kubernaut.domain.errors import KubernautError
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.shapes import copied

MAX_OPERATIONS = 10_000


class PatchRefused(KubernautError):
    """The patch cannot be read, or does not fit the object; `malformed` tells the first from the second."""

    code = "sandbox_patch_refused"

    def __init__(self, message: str, *, malformed: bool = False) -> None:
        super().__init__(message)
        self.malformed = malformed


def apply_merge_patch(target: Json, patch: Json) -> Json:
    """The value after the merge patch; null removes a key."""
    if not isinstance(patch, dict):
        return patch
    merged: JsonObject = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = apply_merge_patch(merged.get(key), value)
    return merged


def apply_json_patch(target: JsonObject, operations: Sequence[Json]) -> JsonObject:
    """The object after all operations, or none of them: raises `PatchRefused`."""
    if len(operations) > MAX_OPERATIONS:
        raise PatchRefused(f"the allowed maximum operations in a JSON patch is {MAX_OPERATIONS}", malformed=True)
    document: Json = copied(target)
    for operation in operations:
        if not isinstance(operation, dict):
            raise PatchRefused("an operation has to be an object", malformed=True)
        document = _apply_operation(document, operation)
    if not isinstance(document, dict):
        raise PatchRefused("the patch leaves no object")
    return document


def _apply_operation(document: Json, operation: JsonObject) -> Json:
    name = operation.get("op")
    path = parse_pointer(operation.get("path"))
    match name:
        case "test":
            if not same_json(look_up(document, path), operation.get("value")):
                raise PatchRefused(f"testing value {operation.get('path')} failed: test failed")
            return document
        case "add":
            return _added(document, path, operation.get("value"))
        case "remove":
            return _removed(document, path)
        case "replace":
            look_up(document, path)
            return _replaced(document, path, operation.get("value"))
        case "move":
            source = parse_pointer(operation.get("from"))
            if path[: len(source)] == source and path != source:
                raise PatchRefused("a value cannot be moved into itself")
            value = look_up(document, source)
            return _added(_removed(document, source), path, value) if path != source else document
        case "copy":
            value = look_up(document, parse_pointer(operation.get("from")))
            return _added(document, path, copied({"value": value})["value"])
        case _:
            raise PatchRefused(f"unexpected kind: {name}", malformed=True)


def parse_pointer(text: Json) -> tuple[str, ...]:
    """The parts of a JSON pointer (RFC 6901); raises `PatchRefused`."""
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise PatchRefused(f"not a JSON pointer: {text!r}", malformed=True)
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])


def look_up(document: Json, path: Sequence[str]) -> Json:
    """The value at the pointer; raises `PatchRefused` where there is none."""
    value = document
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list):
            value = value[_index(part, len(value) - 1)]
        else:
            raise PatchRefused(f"there is no value at /{'/'.join(path)}: missing path")
    return value


def same_json(one: Json, other: Json) -> bool:
    """Equality as JSON has it: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return one == other


def _index(part: str, last: int) -> int:
    if not part.isascii() or not part.isdigit() or (part != "0" and part.startswith("0")) or int(part) > last:
        raise PatchRefused(f"there is no index {part!r} in a list of {last + 1}")
    return int(part)


def _added(document: Json, path: Sequence[str], value: Json) -> Json:
    if not path:
        return value
    parent, key = look_up(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        parent.insert(len(parent) if key == "-" else _index(key, len(parent)), value)
    elif isinstance(parent, dict):
        parent[key] = value
    else:
        raise PatchRefused(f"nothing can be added under /{'/'.join(path[:-1])}")
    return document


def _replaced(document: Json, path: Sequence[str], value: Json) -> Json:
    if not path:
        return value
    parent = look_up(document, path[:-1])
    if isinstance(parent, list):
        parent[_index(path[-1], len(parent) - 1)] = value
    elif isinstance(parent, dict):
        parent[path[-1]] = value
    return document


def _removed(document: Json, path: Sequence[str]) -> Json:
    if not path:
        raise PatchRefused("the whole object cannot be removed")
    look_up(document, path)
    parent = look_up(document, path[:-1])
    if isinstance(parent, list):
        del parent[_index(path[-1], len(parent) - 1)]
    elif isinstance(parent, dict):
        del parent[path[-1]]
    return document
