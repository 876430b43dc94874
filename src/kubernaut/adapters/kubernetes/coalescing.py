"""One read for many readers: a hundred incidents of one namespace list its pods once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from kubernaut.domain.errors import ClusterError
from kubernaut.domain.objects import KubeObject, ObjectRef
from kubernaut.ports import ClusterReader, Listing, Resource, WatchEvent

_Key: TypeAlias = tuple[Resource, str, str, str, int]


@dataclass(slots=True)
class _Flight:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    outcome: Listing | ClusterError | None = None
    started: float = float("-inf")


class CoalescingReader:
    """`ClusterReader` in which equal lists share one call.

    A list is shared with who asks while it is under way (its failure too), or within `freshness` of its start. What
    was read alone stays alone: single objects, logs, reviews, watches.
    """

    def __init__(self, reader: ClusterReader, *, freshness: timedelta = timedelta(milliseconds=500)) -> None:
        self._reader = reader
        self._freshness = freshness.total_seconds()
        self._flights: dict[_Key, _Flight] = {}
        self._tidied = float("-inf")

    async def get(self, ref: ObjectRef) -> KubeObject | None:
        """The object as it is now, None where it does not exist."""
        return await self._reader.get(ref)

    async def list(
        self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "", limit: int = 5000
    ) -> Listing:
        """The objects of a kind, at most `freshness` old at the moment of asking."""
        clock = asyncio.get_running_loop().time
        asked_at = clock()
        self._forget(asked_at)
        # All that the server is asked with: two lists are equal only where their answers are.
        key = (resource, namespace, labels, fields, limit)
        flight = self._flights.setdefault(key, _Flight())
        joining = flight.lock.locked()
        async with flight.lock:
            # Where the first reader was cancelled there is no outcome, and the next one reads for itself.
            joined = joining and flight.outcome is not None
            fresh = isinstance(flight.outcome, Listing) and asked_at - flight.started < self._freshness
            if not (joined or fresh):
                flight.started, flight.outcome = clock(), None
                try:
                    flight.outcome = await self._reader.list(
                        resource, namespace, labels=labels, fields=fields, limit=limit
                    )
                except ClusterError as error:
                    # A failure is shared with who waited for it, and with nobody later: `fresh` asks for a listing.
                    flight.outcome = error
            outcome = flight.outcome
        if not isinstance(outcome, Listing):
            raise outcome or ClusterError(f"listing {resource.plural} gave nothing")
        return outcome

    def _forget(self, now: float) -> None:
        if now - self._tidied < self._freshness:
            return
        self._tidied = now
        stale = [
            key
            for key, flight in self._flights.items()
            if not flight.lock.locked() and now - flight.started >= self._freshness
        ]
        for key in stale:
            del self._flights[key]

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
