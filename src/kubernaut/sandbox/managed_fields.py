"""`metadata.managedFields`: who set which field last.

Fields of the spec, of data, labels and annotations are followed to their leaves, list items by their merge key; a
status to its first level, which is as deep as anybody asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.shapes import encoded, entries, section, stamp
from kubernaut.sandbox.strategic import merge_key

Path = tuple[str, ...]
_IDENTITY = frozenset({"apiVersion", "kind"})
_METADATA = ("labels", "annotations", "ownerReferences", "finalizers", "generateName")


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, through which subresource."""

    manager: str
    subresource: str = ""


def record_write(before: JsonObject | None, after: JsonObject, writer: Writer, at: datetime) -> None:
    """Updates the managed fields of `after` for what changed since `before`."""
    part = writer.subresource == "status"
    old = _paths(before, status=part) if before else {}
    new = _paths(after, status=part)
    changed = {path for path, value in new.items() if path not in old or old[path] != value}
    gone = old.keys() - new.keys()
    metadata = section(after, "metadata")
    kept: list[Json] = []
    own: set[Path] = set(changed)
    for entry in entries(after, "metadata", "managedFields"):
        owned = _parse(entry.get("fieldsV1"))
        if entry.get("manager") == writer.manager and entry.get("subresource", "") == writer.subresource:
            own |= owned - gone
            if not changed and not gone & owned:
                kept.append(entry)
                own = set()
            continue
        left = owned - changed - gone
        if left == owned:
            kept.append(entry)
        elif left:
            kept.append({**entry, "fieldsV1": _render(left)})
    if own:
        kept.append(_entry(after, writer, own, at))
    metadata["managedFields"] = kept


def _entry(item: JsonObject, writer: Writer, owned: set[Path], at: datetime) -> JsonObject:
    entry: JsonObject = {
        "manager": writer.manager,
        "operation": "Update",
        "apiVersion": item.get("apiVersion"),
        "time": stamp(at),
        "fieldsType": "FieldsV1",
        "fieldsV1": _render(owned),
    }
    if writer.subresource:
        entry["subresource"] = writer.subresource
    return entry


def _paths(item: JsonObject, *, status: bool) -> dict[Path, bytes]:
    """The leaves of the status where that is written, else of all the rest: a write never changes both."""
    found: dict[Path, bytes] = {}
    for key, value in item.items():
        if key in _IDENTITY or (key == "status") is not status:
            continue
        if key == "metadata":
            if isinstance(value, dict):
                for part in _METADATA:
                    if part in value:
                        _walk(value[part], ("f:metadata", f"f:{part}"), part, "metadata", found)
        elif key == "status":
            for name, entry in value.items() if isinstance(value, dict) else ():
                found["f:status", f"f:{name}"] = encoded(entry)
        else:
            _walk(value, (f"f:{key}",), key, "", found)
    return found


def _walk(value: Json, path: Path, name: str, parent: str, found: dict[Path, bytes]) -> None:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            _walk(item, (*path, f"f:{key}"), key, name, found)
        return
    by = merge_key(name, parent)
    if isinstance(value, list) and value and by and all(isinstance(item, dict) and by in item for item in value):
        for item in value:
            if isinstance(item, dict):
                mark = f"k:{encoded({by: item[by]}).decode()}"
                found[*path, mark, "."] = b""
                for key, part in item.items():
                    _walk(part, (*path, mark, f"f:{key}"), key, name, found)
        return
    found[path] = encoded(value)


def _parse(fields: Json, prefix: Path = ()) -> set[Path]:
    if not isinstance(fields, dict) or not fields:
        return {prefix} if prefix else set()
    found: set[Path] = set()
    for key, value in fields.items():
        found |= _parse(value, (*prefix, key))
    return found


def _render(paths: set[Path]) -> JsonObject:
    root: JsonObject = {}
    for path in sorted(paths):
        section(root, *path)
    return root
