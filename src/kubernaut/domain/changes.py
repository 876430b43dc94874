"""A change to one object, as a value: what is previewed, applied and taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from kubernaut.domain.objects import Json, JsonObject, ObjectRef, Uid

MARK: Final = "kubernaut.ai/change"
# What the API server notes down as the manager of the fields that we write.
FIELD_MANAGER: Final = "kubernaut"


@dataclass(frozen=True, slots=True)
class PatchOperation:
    """One operation of a JSON patch (RFC 6902); `path` is a JSON pointer."""

    op: Literal["add", "remove", "replace", "test"]
    path: str
    value: Json = None


@dataclass(frozen=True, slots=True)
class ObjectPatch:
    """A JSON patch that the API server takes only at this resourceVersion (409 otherwise).

    `subresource` is empty or, for replicas, `scale`.
    """

    target: ObjectRef
    uid: Uid
    resource_version: str
    operations: tuple[PatchOperation, ...]
    subresource: str = ""
    kind: Literal["patch"] = "patch"


@dataclass(frozen=True, slots=True)
class ObjectDeletion:
    """A delete with the uid as its precondition, so that a successor of the same name is never hit.

    `resource_version`, where it is given, is one too: what somebody changed since it was looked at is not deleted.
    """

    target: ObjectRef
    uid: Uid
    grace_period_s: int | None = None
    resource_version: str = ""
    kind: Literal["deletion"] = "deletion"


@dataclass(frozen=True, slots=True)
class ObjectCreation:
    """A new object. `body` carries `mark` as the annotation MARK, by which it is known again as the one we made."""

    target: ObjectRef
    body: JsonObject
    mark: str
    kind: Literal["creation"] = "creation"


@dataclass(frozen=True, slots=True)
class Eviction:
    """A deletion of exactly this pod that the API server refuses (429) while a disruption budget forbids it."""

    target: ObjectRef
    uid: Uid
    kind: Literal["eviction"] = "eviction"


Change: TypeAlias = ObjectPatch | ObjectDeletion | ObjectCreation | Eviction


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The way back of a creation: the object that carries our mark is deleted, as long as it is as we made it."""

    target: ObjectRef
    body: JsonObject
    mark: str
    kind: Literal["withdrawal"] = "withdrawal"


WayBack: TypeAlias = ObjectPatch | Withdrawal | ObjectCreation
