"""A change of a live object carried over to the text that it is made from, without touching anything else of the text.

The text is edited at the places that YAML's parser gives, so comments and formatting stay. Afterwards it is parsed
again and compared with what was meant: where the two differ, or where the text does not say what the cluster has,
nothing is proposed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

import yaml

from kubernaut.domain.objects import Json, JsonObject, KubeObject, ObjectRef, copied
from kubernaut.domain.patches import ABSENT, Absent
from kubernaut.domain.quantities import parse_quantity
from kubernaut.execution.yaml_edits import ManifestError, Named, Path, TextEdit, Token, spelled, token_name

_Pair = tuple[Json | Absent, Json | Absent, Token]
_STEP: Final = re.compile(r"([^.\[\]]+)|\[([^\]]+)\]")


@dataclass(frozen=True, slots=True)
class FieldEdit:
    """One value that has to become another; ABSENT is nothing."""

    path: Path
    before: Json | Absent
    after: Json | Absent

    def __str__(self) -> str:
        """`spec.template.spec.containers[web].image`."""
        return spelled(self.path)


def read_path(text: str) -> Path:
    """The path of such a text."""
    found: list[Token] = []
    for plain, inner in _STEP.findall(text):
        found.append(plain or (int(inner) if inner.isdecimal() else Named(inner)))
    return tuple(found)


def edits_between(before: Json | Absent, after: Json | Absent, path: Path = ()) -> list[FieldEdit]:
    """The smallest values that differ; items of lists are the same where they have the same name."""
    if before == after and type(before) is type(after):
        return []
    parts = _paired(before, after)
    if parts is None:
        return [FieldEdit(path, before, after)]
    return [edit for old, new, token in parts for edit in edits_between(old, new, (*path, token))]


def _paired(before: Json | Absent, after: Json | Absent) -> list[_Pair] | None:
    """The members of two maps or lists side by side, None where they are values as a whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        return _by_key(before, after, str)
    if isinstance(before, list) and isinstance(after, list):
        return _paired_items(before, after)
    return None


def _by_key(old: Mapping[str, Json], new: Mapping[str, Json], token: Callable[[str], Token]) -> list[_Pair]:
    return [(old.get(key, ABSENT), new.get(key, ABSENT), token(key)) for key in dict.fromkeys([*old, *new])]


def _paired_items(before: list[Json], after: list[Json]) -> list[_Pair] | None:
    old, new = _by_name(before), _by_name(after)
    if old is not None and new is not None:
        return _by_key(old, new, Named)
    if len(before) == len(after) and all(isinstance(item, dict) for item in (*before, *after)):
        return [(a, b, index) for index, (a, b) in enumerate(zip(before, after, strict=True))]
    return None


def _by_name(items: list[Json]) -> dict[str, Json] | None:
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        return None
    return {str(name): item for name, item in zip(names, items, strict=True)}


def edit_manifest(text: str, target: ObjectRef, edits: Sequence[FieldEdit]) -> str | None:
    """The text with the object's fields edited, None where it holds no such object."""
    for index, root in enumerate(_documents(text)):
        tree = _tree_of(root)
        if isinstance(tree, dict) and _is(KubeObject(tree), target):
            return _edited(text, index, tree, edits)
    return None


def names_all(text: str, target: ObjectRef, edits: Sequence[FieldEdit]) -> bool | None:
    """Whether the text itself says all that is to be changed, None where it holds no such object.

    Raises `ManifestError` for what is no YAML.
    """
    for root in _documents(text):
        tree = _tree_of(root)
        if isinstance(tree, dict) and _is(KubeObject(tree), target):
            return all(isinstance(edit.before, Absent) or _value(tree, edit.path) is not ABSENT for edit in edits)
    return None


def edit_values(text: str, edits: Sequence[FieldEdit]) -> str:
    """The text of a file of values with the values edited."""
    roots = _documents(text)
    tree = _tree_of(roots[0]) if roots else None
    if not isinstance(tree, dict):
        raise ManifestError("holds no mapping of values")
    return _edited(text, 0, tree, edits)


def _edited(text: str, document: int, tree: JsonObject, edits: Sequence[FieldEdit]) -> str:
    wanted = copied(tree)
    for edit in edits:
        _check(tree, edit)
        _put(wanted, edit)
        text = TextEdit(text, _documents(text)[document]).made(edit.path, edit.after)
    if _tree_of(_documents(text)[document]) != wanted:
        raise ManifestError("cannot be edited without a change of something else")
    return text


def _documents(text: str) -> list[yaml.Node]:
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise ManifestError("uses aliases (*name), of which an edit could change more than it says")
        return [root for root in yaml.compose_all(text, yaml.SafeLoader) if root is not None]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ManifestError(f"is no YAML: {' '.join(str(error).split())[:200]}") from error


def _tree_of(root: yaml.Node) -> Json:
    try:
        loader = yaml.SafeLoader("")
        return cast("Json", loader.construct_document(root))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise ManifestError(f"is no YAML: {' '.join(str(error).split())[:200]}") from error


def _is(item: KubeObject, target: ObjectRef) -> bool:
    same = (item.kind, item.name) == (target.kind, target.name)
    group = item.text("apiVersion").rpartition("/")[0] == target.api_version.rpartition("/")[0]
    # Kustomize and Argo CD put the namespace in.
    return same and group and item.namespace in {"", target.namespace}


def _check(tree: JsonObject, edit: FieldEdit) -> None:
    """Refuses a text that says something else than what the cluster has: then nobody knows what the edit would do."""
    value = _value(tree, edit.path)
    if isinstance(value, Absent) or _same(value, edit.before):
        return
    raise ManifestError(f"has {_short(value)} at {edit}, and the cluster has {_short(edit.before)}")


def _same(left: Json, right: Json | Absent) -> bool:
    if isinstance(right, Absent):
        return False
    if isinstance(left, dict | list) or isinstance(right, dict | list):
        return left == right or _covers(right, left)
    first, second = parse_quantity(left), parse_quantity(right)
    return str(left) == str(right) or (first is not None and first == second)


def _covers(live: Json, written: Json) -> bool:
    """Whether what is written is what runs: the API server fills in what is left out."""
    if isinstance(live, dict) and isinstance(written, dict):
        return all(key in live and _covers(live[key], value) for key, value in written.items())
    if isinstance(live, list) and isinstance(written, list):
        return len(live) == len(written) and all(_covers(a, b) for a, b in zip(live, written, strict=True))
    return _same(written, live) if not isinstance(live, dict | list) else False


def _short(value: Json | Absent) -> str:
    return "nothing" if isinstance(value, Absent) else json.dumps(value, default=str)[:80]


def _value(tree: Json, path: Path) -> Json | Absent:
    value: Json | Absent = tree
    for token in path:
        if isinstance(value, dict) and isinstance(token, str):
            value = value.get(token, ABSENT)
        elif isinstance(value, list) and not isinstance(token, str):
            index = _index(value, token)
            value = value[index] if index is not None else ABSENT
        else:
            return ABSENT
    return value


def _index(items: Sequence[Json], token: int | Named) -> int | None:
    if isinstance(token, int) and not isinstance(token, Named):
        return token if token < len(items) else None
    name = token_name(token)
    return next((i for i, item in enumerate(items) if isinstance(item, dict) and item.get("name") == name), None)


def _put(tree: JsonObject, edit: FieldEdit) -> None:
    """The edit on values, to compare the text with."""
    *parents, last = edit.path
    node: Json = tree
    for token in parents:
        if isinstance(node, dict) and isinstance(token, str):
            node = node.setdefault(token, {})
        elif isinstance(node, list) and not isinstance(token, str) and (index := _index(node, token)) is not None:
            node = node[index]
        else:
            raise ManifestError(f"has nothing at {edit}")
    if isinstance(node, dict) and isinstance(last, str):
        if isinstance(edit.after, Absent):
            node.pop(last, None)
        else:
            node[last] = copied(edit.after)
    elif isinstance(node, list) and not isinstance(last, str):
        _put_item(node, last, edit.after)
    else:
        raise ManifestError(f"has nothing at {edit}")


def _put_item(items: list[Json], token: int | Named, after: Json | Absent) -> None:
    index = _index(items, token)
    if isinstance(after, Absent):
        if index is not None:
            del items[index]
    elif index is None:
        items.append(copied(after))
    else:
        items[index] = copied(after)


def values_edits(edits: Sequence[FieldEdit], declared: Mapping[str, str]) -> tuple[list[FieldEdit], list[FieldEdit]]:
    """The edits as edits of values, and those whose field no value is declared for."""
    made = [FieldEdit(read_path(declared[str(e)]), e.before, e.after) for e in edits if str(e) in declared]
    return made, [edit for edit in edits if str(edit) not in declared]
