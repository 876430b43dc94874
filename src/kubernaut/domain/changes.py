"""A change to one object, as a value: what is previewed, applied and taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from kubernaut.domain.objects import Json, ObjectRef, Uid


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
    """A delete with the uid as its precondition, so that a successor of the same name is never hit."""

    target: ObjectRef
    uid: Uid
    grace_period_s: int | None = None
    kind: Literal["deletion"] = "deletion"


Change: TypeAlias = ObjectPatch | ObjectDeletion
