"""Saved objects: JSON or YAML, one or many in a text, single or in lists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

import msgspec
import yaml
from yaml import events as parts

from kubernaut.adapters.snapshot.contents import CLUSTER_WIDE, Collection
from kubernaut.adapters.snapshot.limits import DEEPEST, LARGEST_YAML, too_large
from kubernaut.domain.errors import SnapshotError
from kubernaut.domain.objects import Json, JsonObject, KubeObject
from kubernaut.resources import RESOURCES

_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})")
_FLOAT: Final = re.compile(r"[-+]?(?:[0-9]{1,18}\.[0-9]{0,18}|\.[0-9]{1,18}|[0-9]{1,18})(?:[eE][-+]?[0-9]{1,3})?")
_CONSTANTS: Final[dict[str, Json]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MERGE: Final = "a file of kubectl has no anchors and no aliases"


def add_objects(collection: Collection, name: str, documents: list[Json]) -> int:
    """How many objects the documents of a file held; they are in the collection now."""
    found = 0
    for document in documents:
        if isinstance(document, list):
            found += sum(_add_one(collection, name, item) for item in document)
        else:
            found += _add_one(collection, name, document)
    return found


def _add_one(collection: Collection, name: str, document: Json) -> int:
    if not isinstance(document, dict):
        return 0
    kind, items = document.get("kind"), document.get("items")
    if isinstance(items, list) and isinstance(kind, str) and kind.endswith("List"):
        return _add_list(collection, name, document, items)
    if not _is_object(document):
        return 0
    collection.add(document, name)
    return 1


def _is_object(raw: JsonObject) -> bool:
    item = KubeObject(raw)
    return bool(item.kind and item.text("apiVersion") and (item.name or item.kind == "Event"))


def _add_list(collection: Collection, name: str, document: JsonObject, items: list[Json]) -> int:
    """A list is taken for all there is: of the namespaces that it names, of all where it names several."""
    typed = str(document["kind"]).removesuffix("List")
    places: dict[str, set[str]] = {typed: set()} if typed and _is_known(typed) else {}
    found = 0
    for item in items:
        if not isinstance(item, dict):
            continue
        # The items of a typed list carry neither kind nor version.
        raw: JsonObject = {"apiVersion": document.get("apiVersion"), "kind": typed, **item}
        if _is_object(raw):
            collection.add(raw, name)
            places.setdefault(KubeObject(raw).kind, set()).add(KubeObject(raw).namespace)
            found += 1
    for kind, namespaces in places.items():
        whole = namespaces or set(filter(None, (_namespace_of(name),)))
        if kind in CLUSTER_WIDE or len(whole) > 1:
            whole = {""}
        collection.whole |= {(kind, place) for place in whole}
    return found + len(places)


def _is_known(kind: str) -> bool:
    return any(resource.kind == kind for resource in RESOURCES)


def _namespace_of(name: str) -> str:
    """The namespace that the path of an empty list tells: dumps and must-gathers have a folder for each."""
    steps = PurePosixPath(name).parts[:-1]
    if "namespaces" in steps[:-1]:
        return steps[steps.index("namespaces") + 1]
    return steps[-1] if steps else ""


def json_documents(name: str, content: bytes) -> list[Json]:
    """The documents of a JSON text, one after the other as `cluster-info dump` prints them."""
    try:
        return [msgspec.json.decode(content)]
    except RecursionError as error:
        raise _too_deep(name) from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return list(_one_after_the_other(name, content.decode(errors="replace")))


def _one_after_the_other(name: str, text: str) -> Iterator[Json]:
    decoder, position = json.JSONDecoder(), 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        try:
            _, end = decoder.raw_decode(text, position)
            # The standard library takes half a surrogate for a letter, which nobody can write out again.
            yield msgspec.json.decode(text[position:end])
        except RecursionError as error:
            raise _too_deep(name) from error
        except ValueError as error:
            words = str(error)[:300]
            raise SnapshotError(f"{name} is not JSON: {words}", help="save it anew: kubectl get ... -o json") from error
        position = end


def yaml_documents(name: str, content: bytes) -> list[Json]:
    """The documents of a YAML text.

    They are put together from the parser's events: libyaml's own loader overflows the stack of the process when lists
    are nested deeply enough, and an alias can stand for gigabytes.
    """
    if len(content) > LARGEST_YAML:
        raise too_large(f"{name} (YAML)", LARGEST_YAML)
    text = content.decode(errors="replace")
    try:
        return list(_documents(name, yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))))
    except (yaml.YAMLError, ValueError) as error:
        words = " ".join(str(error).split())[:300]
        raise SnapshotError(f"{name} is not YAML: {words}", help="save it anew: kubectl get ... -o yaml") from error


class _Level:
    """A map or a list that is not closed yet."""

    __slots__ = ("key", "value")

    def __init__(self, value: JsonObject | list[Json]) -> None:
        self.value = value
        self.key: str | None = None

    def put(self, item: Json) -> None:
        if isinstance(self.value, list):
            self.value.append(item)
        elif self.key is None:
            self.key = item if isinstance(item, str) else json.dumps(item)
        else:
            self.value[self.key] = item
            self.key = None


def _documents(name: str, stream: Iterator[parts.Event]) -> Iterator[Json]:
    levels: list[_Level] = []
    root: list[Json] = []
    for event in stream:
        if isinstance(event, parts.AliasEvent):
            raise SnapshotError(f"{name} is not taken: {_MERGE}", help="save it anew: kubectl get ... -o yaml")
        if isinstance(event, parts.DocumentEndEvent):
            yield from root
            root = []
        elif isinstance(event, parts.ScalarEvent):
            _place(levels, root, _scalar(event))
        elif isinstance(event, parts.CollectionStartEvent):
            if len(levels) >= DEEPEST:
                raise _too_deep(name)
            levels.append(_Level({} if isinstance(event, parts.MappingStartEvent) else []))
        elif isinstance(event, parts.CollectionEndEvent):
            _place(levels, root, levels.pop().value)


def _place(levels: list[_Level], root: list[Json], item: Json) -> None:
    if levels:
        levels[-1].put(item)
    else:
        root.append(item)


def _scalar(event: parts.ScalarEvent) -> Json:
    """The value as Kubernetes reads it: times stay text, and `yes` is a word."""
    text: str = event.value
    if not event.implicit[0] or event.style:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _too_deep(name: str) -> SnapshotError:
    return SnapshotError(f"{name} is nested more than {DEEPEST} levels deep, as no object of Kubernetes is")
