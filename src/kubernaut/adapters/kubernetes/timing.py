"""What was read from the API server, call by call, for people who want to see every one."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.ports import ClusterReader, Listing, Resource, WatchEvent

T = TypeVar("T")


class TimingReader:
    """`ClusterReader` that keeps the name and the seconds of each call."""

    def __init__(self, reader: ClusterReader) -> None:
        self._reader = reader
        self.calls: list[tuple[str, float]] = []

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        """The object as it is now, None where it does not exist."""
        return await self._timed(f"get {ref}", self._reader.get(ref))

    async def list(
        self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "", limit: int = 5000
    ) -> Listing:
        """The objects of a kind."""
        listing = self._reader.list(resource, namespace, labels=labels, fields=fields, limit=limit)
        return await self._timed(f"list {resource.plural} in {namespace or 'all namespaces'}", listing)

    async def log(self, pod: ObjectRef, container: str, *, previous: bool = False, tail_lines: int = 200) -> str | None:
        """The end of a container's log."""
        text = self._reader.log(pod, container, previous=previous, tail_lines=tail_lines)
        return await self._timed(f"log of {pod} {container}{', previous run' if previous else ''}", text)

    def watch(
        self, resource: Resource, namespace: str = "", *, resource_version: str = ""
    ) -> AsyncIterator[WatchEvent]:
        """Changes from that version on."""
        return self._reader.watch(resource, namespace, resource_version=resource_version)

    async def may(self, verb: str, resource: Resource, namespace: str = "", *, subresource: str = "") -> bool:
        """Whether our own account may do this."""
        asked = self._reader.may(verb, resource, namespace, subresource=subresource)
        return await self._timed(f"may {verb} {resource.plural}", asked)

    async def version(self) -> str:
        """The API server's version."""
        return await self._timed("version", self._reader.version())

    async def _timed(self, what: str, call: Awaitable[T]) -> T:
        started = time.perf_counter()
        try:
            return await call
        finally:
            self.calls.append((what, time.perf_counter() - started))
