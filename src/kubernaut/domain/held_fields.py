"""Which fields a change touches, and which field manager holds each, by `metadata.managedFields`.

A path is followed through lists by their entries and not by their numbers, as the API server does: `containers[web]`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from kubernaut.domain.objects import Json, KubeObject
from kubernaut.domain.patches import ABSENT, Absent, pointer, tokens, value_at

Step: TypeAlias = "str | Entry"
Path: TypeAlias = tuple[Step, ...]
# What tells entries of one list apart, the most usual first.
_IDENTITIES = ("name", "containerPort", "port", "mountPath", "key", "type", "ip")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a list on the way to a field."""

    value: Json

    def __str__(self) -> str:
        """Its name, or what else tells it apart."""
        known = self.value if isinstance(self.value, dict) else {}
        return str(next((known[key] for key in _IDENTITIES if key in known), "entry"))

    def is_called(self, key: str) -> bool:
        """Whether the key of a `fieldsV1` map means this entry."""
        kind, _, text = key.partition(":")
        if kind == "v":
            return bool(json.loads(text) == self.value)
        if kind != "k" or not isinstance(self.value, dict):
            return False
        # The one key that the API server fills in where it was left out.
        found = {"protocol": "TCP", **self.value}
        return all(name in found and found[name] == value for name, value in json.loads(text).items())


@dataclass(frozen=True, slots=True)
class Holder:
    """A field manager with the fields that it holds, by one operation through one subresource."""

    manager: str
    operation: str
    subresource: str
    at: datetime | None
    fields: Mapping[str, Json]

    def holds(self, path: Path) -> bool:
        """Whether the field, something in it, or the whole that it is a part of, is the manager's."""
        return self._reaches(path, whole=True)

    def wrote(self, path: Path) -> bool:
        """Whether that very field is the manager's: a whole of which others have taken all the fields is empty, too."""
        return self._reaches(path, whole=False)

    def _reaches(self, path: Path, *, whole: bool) -> bool:
        node: Json = dict(self.fields)
        for step in path:
            if not isinstance(node, dict):
                return False
            if not node:
                return whole
            if isinstance(step, Entry):
                # List entries are named by their merge keys (`k:{"name":"web"}`) or, in sets, by their value (`v:"a"`).
                node = next((child for key, child in node.items() if step.is_called(key)), None)
            else:
                node = node.get(f"f:{step}")
            if node is None:
                return False
        return True


def holders(item: KubeObject) -> list[Holder]:
    """Everybody who wrote the object, its status apart."""
    return [
        Holder(
            entry.text("manager"),
            entry.text("operation"),
            entry.text("subresource"),
            entry.time("time"),
            entry.tree("fieldsV1").raw,
        )
        for entry in item.trees("metadata", "managedFields")
        if entry.text("subresource") != "status"
    ]


def path_of(root: Json, pointed: str) -> Path:
    """The path that a JSON pointer means in that object."""
    found: list[Step] = []
    here = ""
    for token in tokens(pointed):
        parent = value_at(root, here)
        here += pointer(token)
        entry = value_at(root, here)
        found.append(Entry(None if isinstance(entry, Absent) else entry) if isinstance(parent, list) else token)
    return tuple(found)


def words(path: Path) -> str:
    """The path for people: `.spec.containers[web].image`."""
    return "".join(f"[{step}]" if isinstance(step, Entry) else f".{step}" for step in path) or "the object"


def changed_fields(before: Json | Absent, after: Json | Absent, path: Path = ()) -> Iterator[Path]:
    """The deepest fields in which the two differ."""
    if isinstance(before, Absent) and isinstance(after, Absent):
        return
    old, new = _members(before), _members(after)
    if old is not None and new is not None and (old or new):
        for key in sorted(old.keys() | new.keys()):
            yield from changed_fields(old.get(key, ABSENT), new.get(key, ABSENT), (*path, key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _changed_entries(before, after, path)
    elif before is ABSENT or after is ABSENT or before != after:
        yield path


def _members(value: Json | Absent) -> dict[str, Json] | None:
    """The members of a map; what is absent has none."""
    if isinstance(value, Absent):
        return {}
    return value if isinstance(value, dict) else None


def _changed_entries(before: Sequence[Json], after: Sequence[Json], path: Path) -> Iterator[Path]:
    old, new = _by_name(before), _by_name(after)
    if old is None or new is None:
        if list(before) != list(after):
            yield path
        return
    for name in sorted(old.keys() | new.keys()):
        entry = Entry(old.get(name, new.get(name)))
        yield from changed_fields(old.get(name, ABSENT), new.get(name, ABSENT), (*path, entry))


def _by_name(entries: Sequence[Json]) -> dict[str, Json] | None:
    """The entries by their names; None where not all have one of their own."""
    found: dict[str, Json] = {str(Entry(each)): each for each in entries if isinstance(each, dict)}
    return found if len(found) == len(entries) and "entry" not in found else None
