"""Kubernetes objects as the API server prints them, read with types.

Causes and actions work on plain JSON, not on generated classes: a saved object, an object of a custom resource and
a live one are then the same thing, and a field that a newer API server adds is not lost between snapshot and undo.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NewType, TypeAlias, overload

from typing_extensions import TypeAliasType

# A named alias, not a plain one: pydantic reads recursive types only by name.
Json = TypeAliasType("Json", "bool | int | float | str | list[Json] | dict[str, Json] | None")
JsonObject: TypeAlias = dict[str, Json]
Uid = NewType("Uid", str)


@overload
def copied(value: JsonObject) -> JsonObject: ...
@overload
def copied(value: Json) -> Json: ...
def copied(value: Json) -> Json:
    """A copy that shares no part with the value.

    `copy.deepcopy` also remembers each part, for values that hold one twice. JSON is a tree, and this takes a quarter.
    """
    if isinstance(value, dict):
        return {key: copied(part) for key, part in value.items()}
    if isinstance(value, list):
        return [copied(part) for part in value]
    return value


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """The address of one object; `namespace` is empty for cluster-scoped kinds."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """`shop/deployment/checkout`, or `node/worker-1` where there is no namespace."""
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{place}{self.kind.lower()}/{self.name}"


@dataclass(frozen=True, slots=True)
class Owner:
    """The controlling owner of an object: a later one of the same name has another uid."""

    ref: ObjectRef
    uid: Uid


class Tree:
    """A part of an object. Reading a path that is absent or of another type gives the empty value of that type."""

    __slots__ = ("raw",)

    def __init__(self, raw: Mapping[str, Json]) -> None:
        self.raw = raw

    def at(self, *path: str) -> Json:
        """The raw value at the path, None where it is absent."""
        value: Json | Mapping[str, Json] = self.raw
        for key in path:
            # `dict` first: only the root may be another Mapping, and to ask for the abstract one is four times as slow.
            if not isinstance(value, (dict, Mapping)):
                return None
            value = value.get(key)
        return value  # type: ignore[return-value]  # only the root is a Mapping that is no dict

    def has(self, *path: str) -> bool:
        """Whether a value stands at the path."""
        return self.at(*path) is not None

    def text(self, *path: str) -> str:
        """The string at the path."""
        value = self.at(*path)
        return value if isinstance(value, str) else ""

    def integer(self, *path: str, default: int = 0) -> int:
        """The whole number at the path."""
        value = self.at(*path)
        return value if isinstance(value, int) and not isinstance(value, bool) else default

    def number(self, *path: str, default: float = 0.0) -> float:
        """The number at the path, whole or not."""
        value = self.at(*path)
        return float(value) if isinstance(value, int | float) else default

    def flag(self, *path: str) -> bool:
        """Whether the value at the path is true."""
        return self.at(*path) is True

    def time(self, *path: str) -> datetime | None:
        """The RFC 3339 time at the path."""
        return parse_time(self.text(*path))

    def tree(self, *path: str) -> Tree:
        """The object at the path."""
        value = self.at(*path)
        return Tree(value if isinstance(value, dict) else {})

    def trees(self, *path: str) -> list[Tree]:
        """The objects of the list at the path."""
        value = self.at(*path)
        return [Tree(item) for item in value if isinstance(item, dict)] if isinstance(value, list) else []

    def texts(self, *path: str) -> list[str]:
        """The strings of the list at the path."""
        value = self.at(*path)
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

    def mapping(self, *path: str) -> dict[str, str]:
        """The strings of the map at the path, such as labels or a selector."""
        value = self.at(*path)
        if not isinstance(value, dict):
            return {}
        return {key: item for key, item in value.items() if isinstance(item, str)}


class KubeObject(Tree):
    """A whole object with its metadata."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"KubeObject({self.ref})"

    @property
    def ref(self) -> ObjectRef:
        """Its address."""
        return ObjectRef(self.text("apiVersion"), self.kind, self.namespace, self.name)

    @property
    def kind(self) -> str:
        """Such as `Deployment`."""
        return self.text("kind")

    @property
    def name(self) -> str:
        """`metadata.name`."""
        return self.text("metadata", "name")

    @property
    def namespace(self) -> str:
        """Empty for cluster-scoped kinds."""
        return self.text("metadata", "namespace")

    @property
    def uid(self) -> Uid:
        """The identity that a successor of the same name does not share."""
        return Uid(self.text("metadata", "uid"))

    @property
    def resource_version(self) -> str:
        """The version this was read at."""
        return self.text("metadata", "resourceVersion")

    @property
    def generation(self) -> int:
        """Counts changes of the spec."""
        return self.integer("metadata", "generation")

    @property
    def created_at(self) -> datetime | None:
        """When the API server stored it first."""
        return self.time("metadata", "creationTimestamp")

    @property
    def labels(self) -> dict[str, str]:
        """`metadata.labels`."""
        return self.mapping("metadata", "labels")

    @property
    def annotations(self) -> dict[str, str]:
        """`metadata.annotations`."""
        return self.mapping("metadata", "annotations")

    @property
    def controller(self) -> ObjectRef | None:
        """The owner that controls this object, if there is one."""
        owner = self.owner
        return owner.ref if owner else None

    @property
    def owner(self) -> Owner | None:
        """The owner that controls this object, with its identity."""
        for entry in self.trees("metadata", "ownerReferences"):
            if entry.flag("controller"):
                ref = ObjectRef(entry.text("apiVersion"), entry.text("kind"), self.namespace, entry.text("name"))
                return Owner(ref, Uid(entry.text("uid")))
        return None

    @property
    def regarding(self) -> ObjectRef:
        """What an Event is about."""
        about = self.tree("involvedObject")
        return ObjectRef(about.text("apiVersion"), about.text("kind"), about.text("namespace"), about.text("name"))

    def conditions(self) -> Iterator[Tree]:
        """The entries of `status.conditions`."""
        yield from self.trees("status", "conditions")

    def condition(self, kind: str) -> Tree | None:
        """The condition of that type, if it is reported."""
        return next((entry for entry in self.conditions() if entry.text("type") == kind), None)


def parse_time(text: str) -> datetime | None:
    """The time of an RFC 3339 text, None where it is no time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
