"""How much reading one incident asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.ports import ClusterReader, Listing, Resource, WatchEvent


class CountingReader:
    """`ClusterReader` that counts what goes through it. Wrap the shared reader anew for each incident."""

    def __init__(self, reader: ClusterReader) -> None:
        self._reader = reader
        self.by_verb: Counter[str] = Counter()

    @property
    def calls(self) -> int:
        """All reads so far."""
        return self.by_verb.total()

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        """The object as it is now, None where it does not exist."""
        self.by_verb["get"] += 1
        return await self._reader.get(ref)

    async def list(
        self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "", limit: int = 5000
    ) -> Listing:
        """The objects of a kind."""
        self.by_verb["list"] += 1
        return await self._reader.list(resource, namespace, labels=labels, fields=fields, limit=limit)

    async def log(self, pod: ObjectRef, container: str, *, previous: bool = False, tail_lines: int = 200) -> str | None:
        """The end of a container's log."""
        self.by_verb["log"] += 1
        return await self._reader.log(pod, container, previous=previous, tail_lines=tail_lines)

    def watch(
        self, resource: Resource, namespace: str = "", *, resource_version: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """Changes from that version on."""
        self.by_verb["watch"] += 1
        return self._reader.watch(resource, namespace, resource_version=resource_version)

    async def may(self, verb: str, resource: Resource, namespace: str = "", *, subresource: str = "") -> bool:
        """Whether our own account may do this."""
        self.by_verb["may"] += 1
        return await self._reader.may(verb, resource, namespace, subresource=subresource)

    async def version(self) -> str:
        """The API server's version."""
        self.by_verb["version"] += 1
        return await self._reader.version()
