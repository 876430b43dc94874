"""A reader that passes everything on, for what stands around a reader and changes one thing about it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.ports.cluster import ClusterReader, Listing, Resource, WatchEvent


class PassingReader:
    """`ClusterReader` that asks another one, with its answers and errors as they are."""

    def __init__(self, reader: ClusterReader) -> None:
        self._reader = reader

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        """The object as it is now, None where it does not exist."""
        return await self._reader.get(ref)

    async def list(
        self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "", limit: int = 5000
    ) -> Listing:
        """The objects of a kind."""
        return await self._reader.list(resource, namespace, labels=labels, fields=fields, limit=limit)

    async def log(self, pod: ObjectRef, container: str, *, previous: bool = False, tail_lines: int = 200) -> str | None:
        """The end of a container's log."""
        return await self._reader.log(pod, container, previous=previous, tail_lines=tail_lines)

    def watch(
        self, resource: Resource, namespace: str = "", *, resource_version: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """Changes from that version on."""
        return self._reader.watch(resource, namespace, resource_version=resource_version)

    async def may(self, verb: str, resource: Resource, namespace: str = "", *, subresource: str = "") -> bool:
        """Whether our own account may do this."""
        return await self._reader.may(verb, resource, namespace, subresource=subresource)

    async def version(self) -> str:
        """The API server's version."""
        return await self._reader.version()
