"""The cluster: reads, and writes apart from them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from kubernaut.domain.changes import Change
from kubernaut.domain.objects import KubeObject, ObjectRef


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind as the REST API names it."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True


@dataclass(frozen=True, slots=True)
class Listing:
    """The items of a list. `complete` is False where the bound was reached before the end.

    What it cost: `pages` calls, and `size` bytes of answers. `gone` are (namespace, name) of objects that are known not
    to be there, although the list is not complete.
    """

    items: tuple[KubeObject, ...]
    resource_version: str
    complete: bool = True
    pages: int = 1
    size: int = 0
    gone: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change seen by a watch."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: KubeObject


class ClusterReader(Protocol):
    """Reads. Never writes, so whoever holds only this cannot change the cluster.

    Every method raises a `ClusterError`; "could not be read" is never an empty answer. Values of Secrets and of
    annotations that hold them never leave the adapter: their keys do.
    """

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        """The object as it is now, None where it does not exist."""

    async def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        labels: str = "",
        fields: str = "",
        limit: int = 5000,
    ) -> Listing:
        """The objects of a kind, of all namespaces where `namespace` is empty, page by page up to `limit`."""

    async def log(self, pod: ObjectRef, container: str, *, previous: bool = False, tail_lines: int = 200) -> str | None:
        """The end of a container's log; None where there is no such log (yet, or any more).

        At most 256 KiB, or 8 MiB where more than 1,000 lines are asked for.
        """

    def watch(
        self, resource: Resource, namespace: str = "", *, resource_version: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """Changes from that version on; resumes by itself after a cut.

        Raises `WatchExpired` when one has to list again.
        """

    async def may(self, verb: str, resource: Resource, namespace: str = "", *, subresource: str = "") -> bool:
        """Whether our own account may do this (SelfSubjectAccessReview)."""

    async def version(self) -> str:
        """The API server's version, such as `v1.34.2`."""


class ClusterWriter(Protocol):
    """Writes, one change at a time, as field manager `kubernaut`. Held by the execution stage alone."""

    async def write(
        self, change: Change, *, dry_run: bool = False, warned: Callable[[str], None] | None = None
    ) -> KubeObject | None:
        """The object after the change (None after a deletion or an eviction). `warned` is told each warning.

        Raises `Conflict` when the resourceVersion or uid is not the given one any more, or the new object is there
        already, `ChangeRejected`, `Forbidden`, `ObjectMissing`, `ClusterThrottled` (an eviction too, while a budget
        forbids it), or `ClusterUnavailable`, after which nobody knows whether it was done.
        """
