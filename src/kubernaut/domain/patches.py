"""JSON patches (RFC 6902) and their pointers (RFC 6901) on plain objects: what the API server does, without it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

from kubernaut.domain.changes import PatchOperation
from kubernaut.domain.errors import KubernautError
from kubernaut.domain.objects import Json, JsonObject, copied


class Absent:
    """Nothing stands there; unlike null, which is a value."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


class PatchFailed(KubernautError):
    """An operation that does not fit the object."""

    code = "patch_failed"


def pointer(*tokens: str | int) -> str:
    """The JSON pointer of a path, with `~` and `/` escaped."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def tokens(path: str) -> list[str]:
    """The path of a JSON pointer."""
    if not path:
        return []
    if not path.startswith("/"):
        raise PatchFailed(f"not a JSON pointer: {path}")
    return [token.replace("~1", "/").replace("~0", "~") for token in path[1:].split("/")]


def value_at(root: Json | Mapping[str, Json], path: str) -> Json | Absent:
    """The value at the pointer, ABSENT where nothing stands."""
    value: Json | Mapping[str, Json] = root
    for token in tokens(path):
        if isinstance(value, Mapping) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isdecimal() and int(token) < len(value):
            value = value[int(token)]
        else:
            return ABSENT
    return cast("Json", value)


def holds(root: Json | Mapping[str, Json], path: str, wanted: Json | Absent) -> bool:
    """Whether that value, or nothing where ABSENT is wanted, stands at the pointer; 1 and true are told apart."""
    return _same(value_at(root, path), wanted)


def patched(root: Mapping[str, Json], operations: Iterable[PatchOperation]) -> JsonObject:
    """A copy of the object with the operations applied in order; raises `PatchFailed` and changes nothing otherwise."""
    # A copy, so that a patch that fails half-way leaves no half of itself behind.
    result = copied(dict(root))
    for operation in operations:
        _apply(result, operation)
    return result


def _apply(root: JsonObject, operation: PatchOperation) -> None:
    if operation.op == "test":
        if not holds(root, operation.path, operation.value):
            raise PatchFailed(f"test failed: {operation.path}")
        return
    *parents, last = tokens(operation.path) or [""]
    parent = value_at(root, pointer(*parents))
    if isinstance(parent, dict):
        _change_member(parent, last, operation)
    elif isinstance(parent, list):
        _change_item(parent, last, operation)
    else:
        raise PatchFailed(f"nothing to {operation.op} at {operation.path}")


def _change_member(parent: JsonObject, key: str, operation: PatchOperation) -> None:
    if operation.op != "add" and key not in parent:
        raise PatchFailed(f"nothing to {operation.op} at {operation.path}")
    if operation.op == "remove":
        del parent[key]
    else:
        parent[key] = copied(operation.value)


def _change_item(parent: list[Json], key: str, operation: PatchOperation) -> None:
    adding = operation.op == "add"
    # RFC 6901: `-` is the place behind the last item.
    index = len(parent) if adding and key == "-" else int(key) if key.isdecimal() else -1
    if not 0 <= index < len(parent) + adding:
        raise PatchFailed(f"nothing to {operation.op} at {operation.path}")
    if operation.op == "remove":
        del parent[index]
    elif adding:
        parent.insert(index, copied(operation.value))
    else:
        parent[index] = copied(operation.value)


def _same(left: Json | Absent, right: Json | Absent) -> bool:
    if isinstance(left, Absent) or isinstance(right, Absent):
        return left is right
    # In Python True equals 1; in JSON, and for the API server, they are different values.
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return _same_items(left, right)
    return left == right


def _same_items(left: Sequence[Json], right: Sequence[Json]) -> bool:
    return len(left) == len(right) and all(_same(a, b) for a, b in zip(left, right, strict=True))
