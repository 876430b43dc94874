"""Strategic merge patch for the built-in kinds.

Lists merge by key where the Go types say so; which list that is follows from its name and its parent's, which is
unambiguous for the kinds served here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kubernaut.domain.objects import Json, JsonObject
from kubernaut.sandbox.patching import PatchRefused

# Name of the list -> key, where the parent does not matter.
_MERGE_KEYS: Mapping[str, str] = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "secrets": "name",
    "hostAliases": "ip",
    "ownerReferences": "uid",
    "conditions": "type",
    "addresses": "type",
    "topologySpreadConstraints": "topologyKey",
    "resourceClaims": "name",
    "schedulingGates": "name",
}
_MERGED_SETS = frozenset({"finalizers", "podCIDRs"})
# Unions of Go: fields of the variant that is not chosen any more have to go ($retainKeys).
_RETAINING = frozenset({"strategy", "updateStrategy"})
_DIRECTIVES = ("$setElementOrder/", "$deleteFromPrimitiveList/")


def merge_key(name: str, parent: str) -> str:
    """The key by which the list of that name merges; empty where it is replaced whole."""
    if name == "ports":
        # Ports of a container, or of a Service.
        return "containerPort" if parent.endswith(("containers", "Containers")) else "port" if parent == "spec" else ""
    return _MERGE_KEYS.get(name, "")


def apply_strategic_patch(target: JsonObject, patch: JsonObject) -> JsonObject:
    """The object after the patch; raises `PatchRefused`."""
    return _merge_objects(target, patch, "")


def _merge_objects(target: JsonObject, patch: JsonObject, name: str) -> JsonObject:
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise PatchRefused(f"unknown patch type: {directive}", malformed=True)
    merged = _retained(target, patch)
    for key, value in patch.items():
        if key.startswith(_DIRECTIVES) or key in {"$patch", "$retainKeys"}:
            continue
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge_values(merged.get(key), value, key, name)
    _delete_primitives(merged, patch)
    _order_lists(merged, patch, name)
    return merged


def _retained(target: JsonObject, patch: JsonObject) -> JsonObject:
    keep = patch.get("$retainKeys")
    if not isinstance(keep, list):
        return dict(target)
    return {key: value for key, value in target.items() if key in keep}


def _merge_values(current: Json, value: Json, key: str, parent: str) -> Json:
    if isinstance(value, dict):
        return _merge_objects(current if isinstance(current, dict) else {}, value, key)
    if isinstance(value, list):
        known = current if isinstance(current, list) else []
        if by := merge_key(key, parent):
            return _merge_lists(known, value, by, key)
        if key in _MERGED_SETS:
            return [*known, *(item for item in value if item not in known)]
    return value


def _merge_lists(current: Sequence[Json], patch: Sequence[Json], by: str, name: str) -> list[Json]:
    items = [item for item in patch if isinstance(item, dict)]
    if len(items) != len(patch):
        raise PatchRefused(f"{name} has to be a list of objects", malformed=True)
    # The directive stands as an item of its own in a list, beside the items that replace it.
    if any(item == {"$patch": "replace"} for item in items):
        return [item for item in items if "$patch" not in item]
    merged: list[Json] = list(current)
    for item in items:
        if by not in item:
            raise PatchRefused(f"map: {item} does not contain declared merge key: {by}", malformed=True)
        place, known = _same(merged, by, item[by])
        if item.get("$patch") == "delete":
            del merged[place : place + 1]
        else:
            # At the end the slice is empty, so an item with a new key is appended.
            merged[place : place + 1] = [_merge_objects(known, item, name)]
    return merged


def _same(items: Sequence[Json], by: str, value: Json) -> tuple[int, JsonObject]:
    """Where the item of that key stands, and the item; the end and nothing where there is none."""
    for place, item in enumerate(items):
        if isinstance(item, dict) and item.get(by) == value:
            return place, item
    return len(items), {}


def _delete_primitives(merged: JsonObject, patch: JsonObject) -> None:
    for key, gone in patch.items():
        if not key.startswith("$deleteFromPrimitiveList/") or not isinstance(gone, list):
            continue
        name = key.split("/", 1)[1]
        current = merged.get(name)
        if isinstance(current, list):
            merged[name] = [item for item in current if item not in gone]


def _order_lists(merged: JsonObject, patch: JsonObject, parent: str) -> None:
    for key, order in patch.items():
        if not key.startswith("$setElementOrder/") or not isinstance(order, list):
            continue
        name = key.split("/", 1)[1]
        current = merged.get(name)
        if isinstance(current, list):
            merged[name] = _in_order(current, order, merge_key(name, parent))


def _in_order(current: list[Json], order: list[Json], by: str) -> list[Json]:
    def mark(item: Json) -> Json:
        return item.get(by) if by and isinstance(item, dict) else item

    wanted = [mark(item) for item in order]
    listed = [item for item in current if mark(item) in wanted]
    listed.sort(key=lambda item: wanted.index(mark(item)))
    # Elements the patch did not know of keep their place after the one they followed.
    result = listed
    for index, item in enumerate(current):
        if mark(item) not in wanted:
            before = current[index - 1] if index else None
            place = result.index(before) + 1 if before in result else 0
            result.insert(place, item)
    return result


def three_way_patch(last: JsonObject, wanted: JsonObject, name: str = "") -> JsonObject:
    """The strategic patch that `kubectl apply` sends: all that is wanted, and the removal of what was dropped."""
    patch: JsonObject = {}
    for key, value in wanted.items():
        before = last.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            patch[key] = three_way_patch(before, value, key)
        elif isinstance(value, list) and isinstance(before, list) and merge_key(key, name):
            patch[key] = _three_way_list(before, value, key, merge_key(key, name))
        else:
            patch[key] = value
    for key in last.keys() - wanted.keys():
        patch[key] = None
    if name in _RETAINING:
        patch["$retainKeys"] = [*sorted(wanted)]
    return patch


def _three_way_list(last: list[Json], wanted: list[Json], name: str, by: str) -> list[Json]:
    known = {item[by]: item for item in last if isinstance(item, dict) and isinstance(item.get(by), (str, int))}
    patch: list[Json] = []
    kept = set()
    for item in wanted:
        if isinstance(item, dict):
            kept.add(item.get(by))
            before = known.get(item.get(by))
            patch.append({**three_way_patch(before, item, name), by: item[by]} if before else item)
    patch += [{"$patch": "delete", by: key} for key in known if key not in kept]
    return patch
