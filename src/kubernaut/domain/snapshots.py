"""The way back of a change, worked out before anything is touched.

An undo is a JSON patch of its own: for each path that the change touched, a `test` for the value that we wrote, then
the operation that puts back what stood there before. A path without a `test` is one that the change took out. So the
undo itself says what the object looks like after the change, which is also how a replayed step sees that it was done,
and how an undo sees that somebody else has been there since.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubernaut.domain.changes import FIELD_MANAGER, MARK, ObjectPatch, PatchOperation, Withdrawal
from kubernaut.domain.execution import Intent
from kubernaut.domain.held_fields import Holder, changed_fields, holders, path_of, words
from kubernaut.domain.objects import Json, JsonObject, KubeObject, copied
from kubernaut.domain.patches import ABSENT, Absent, holds, patched, pointer, tokens, value_at
from kubernaut.domain.provenance import CONTROLLERS

# The merge keys of the lists that actions touch: containers, env and volumes by name, ports of Services by number.
_IDENTITIES = ("name", "port")
_NOT_CONTENT = frozenset({"apiVersion", "kind", "metadata", "status"})


def inverse_of(change: ObjectPatch, before: KubeObject, after: KubeObject) -> ObjectPatch:
    """The guarded patch that restores every touched path to what it was in `before`."""
    operations: list[PatchOperation] = []
    for path in _touched(change):
        # A path names list entries by index; one that was inserted before it since would make the undo hit a neighbour.
        operations += _same_entries(path, after)
        old, new = value_at(before.raw, path), value_at(after.raw, path)
        if not isinstance(new, Absent):
            # The API server applies all of a patch or nothing, so a `test` that fails leaves the object untouched.
            operations.append(PatchOperation("test", path, copied(new)))
        restored = _restoring(path, old, new, on_scale=change.subresource == "scale")
        if restored is not None:
            operations.append(restored)
    return ObjectPatch(change.target, change.uid, "", tuple(operations), change.subresource)


def drifted(intent: Intent, now: KubeObject) -> str | None:
    """The first path that does not hold what the intent's patch writes, None where all do (or nothing is patched)."""
    change = intent.preview.change
    if not isinstance(change, ObjectPatch):
        return None
    if isinstance(intent.undo, ObjectPatch):
        return changed_since(intent.undo, now)
    # Without a way back there is nothing but the patch itself to compare with.
    return next((entry.path for entry in change.operations if not holds(now.raw, entry.path, entry.value)), None)


def changed_since(undo: ObjectPatch, now: KubeObject) -> str | None:
    """The first touched path that no longer holds what the change wrote."""
    tested = {entry.path for entry in undo.operations if entry.op == "test"}
    for entry in undo.operations:
        if entry.op == "test" and not holds(now.raw, entry.path, entry.value):
            return entry.path
        if entry.op != "test" and entry.path not in tested and not holds(now.raw, entry.path, ABSENT):
            return entry.path
    return None


def was_made_by_others(change: ObjectPatch, now: KubeObject) -> str:
    """Who made this very change, where it was not us by `managedFields`; empty where we did or nobody can tell."""
    written = [path_of(dict(now.raw), entry.path) for entry in change.operations if entry.op in {"add", "replace"}]
    makers = [each.manager for each in holders(now) for path in written if each.holds(path)]
    known = change.subresource != "status" and bool(makers) and FIELD_MANAGER not in makers
    return makers[0] if known else ""


def declared_since(undo: ObjectPatch, now: KubeObject) -> str:
    """Who wrote or applied the same since, and which field: `kubectl wrote .spec.paused`; empty where nobody did.

    What we changed was taken from its former managers with that, so whoever holds it beside us came later.
    """
    held = holders(now)
    others = [each for each in held if each.manager not in {FIELD_MANAGER, *CONTROLLERS}]
    if undo.subresource == "status" or all(each.manager != FIELD_MANAGER for each in held):
        return ""
    leaves = list(changed_fields(dict(now.raw), patched(now.raw, undo.operations)))
    found = (f"{each.manager} wrote {words(leaf)}" for leaf in leaves for each in others if each.wrote(leaf))
    return next(found, "")


def is_undone(undo: ObjectPatch, now: KubeObject) -> bool:
    """Whether every touched path holds what it held before the change."""
    wanted = {entry.path: entry for entry in undo.operations if entry.op != "test"}
    return all(holds(now.raw, path, ABSENT if entry.op == "remove" else entry.value) for path, entry in wanted.items())


def content_of(item: KubeObject) -> JsonObject:
    """What people write in an object and controllers do not: everything but metadata and status."""
    return {key: value for key, value in item.raw.items() if key not in _NOT_CONTENT}


def is_as_made(way_back: Withdrawal, now: KubeObject) -> bool:
    """Whether the object that we made still has our mark, and everything that we wrote into it."""
    written = {key: value for key, value in way_back.body.items() if key not in _NOT_CONTENT}
    ours = now.annotations.get(MARK) == way_back.mark and _contains(dict(now.raw), written)
    # What somebody added beside it is told from the API server's defaults by the count of changes, and by its manager.
    return ours and now.generation <= 1 and not any(_is_theirs(each) for each in holders(now))


def _is_theirs(holder: Holder) -> bool:
    own = holder.manager in {FIELD_MANAGER, *CONTROLLERS}
    return not own and bool({key.removeprefix("f:") for key in holder.fields} - _NOT_CONTENT)


def _contains(found: Json, written: Json) -> bool:
    """Whether all that was written is found; the API server fills in defaults beside it."""
    if isinstance(written, dict):
        return isinstance(found, dict) and all(_contains(found.get(key), value) for key, value in written.items())
    if isinstance(written, list):
        return (
            isinstance(found, list)
            and len(found) == len(written)
            and all(_contains(one, other) for one, other in zip(found, written, strict=True))
        )
    return found == written


def _touched(change: ObjectPatch) -> Iterator[str]:
    seen: set[str] = set()
    for operation in change.operations:
        if operation.op != "test" and operation.path not in seen:
            seen.add(operation.path)
            yield operation.path


def _same_entries(path: str, item: KubeObject) -> Iterator[PatchOperation]:
    """Tests that each list entry on the way is still the one that was changed, by its name or port."""
    parts = tokens(path)
    for depth in range(1, len(parts)):
        entry = value_at(item.raw, pointer(*parts[:depth]))
        if parts[depth - 1].isdecimal() and isinstance(entry, dict):
            key = next((key for key in _IDENTITIES if key in entry), None)
            if key is not None:
                yield PatchOperation("test", pointer(*parts[:depth], key), entry[key])


def _restoring(path: str, old: Json | Absent, new: Json | Absent, *, on_scale: bool) -> PatchOperation | None:
    if isinstance(old, Absent) and on_scale:
        # Taking the number out of a Scale would mean 0; one replica is what an absent number means.
        return PatchOperation("add", path, 1)
    if isinstance(old, Absent):
        return None if isinstance(new, Absent) else PatchOperation("remove", path)
    # A Scale leaves out a zero: `add` sets the number whether it is there or not.
    adding = on_scale or isinstance(new, Absent)
    return PatchOperation("add" if adding else "replace", path, copied(old))
