"""Watches: what changed since a version, then what changes, with bookmarks and 410."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from kubernaut.domain.objects import JsonObject
from kubernaut.sandbox.cluster import Cluster
from kubernaut.sandbox.failures import Failure, bad_request, expired
from kubernaut.sandbox.kinds import NEW_EVENT, Kind
from kubernaut.sandbox.recorder import as_new_event
from kubernaut.sandbox.rest.lists import Filter, filter_of
from kubernaut.sandbox.rest.requests import Request
from kubernaut.sandbox.shapes import encoded
from kubernaut.sandbox.storage import Change, Stored, VersionExpired

# These are the client's time, so they run on the wall, however fast the sandbox's clock is.
_LONGEST_S = 3600.0
_BETWEEN_BOOKMARKS_S = 60.0
Render = Callable[[Stored], bytes]


class Watch:
    """One watch; iterating gives lines of JSON until the time is up or the server closes."""

    def __init__(self, cluster: Cluster, request: Request, render: Render | None = None) -> None:
        self._storage = cluster.storage
        self._kind: Kind = request.target.kind
        self._filter: Filter = filter_of(request)
        self._render = render or self._plain
        self._bookmarks = request.flag("allowWatchBookmarks")
        self._initial = request.flag("sendInitialEvents")
        self._version = _version_of(request)
        seconds = request.integer("timeoutSeconds")
        self._ends = time.monotonic() + (min(seconds, _LONGEST_S) if seconds else _LONGEST_S)
        self._news = asyncio.Event()
        self._closed = False

    def close(self) -> None:
        """Ends the watch."""
        self._closed = True
        self._news.set()

    def _plain(self, stored: Stored) -> bytes:
        return encoded(as_new_event(stored.raw)) if self._kind is NEW_EVENT else stored.text

    def _on_change(self, change: Change) -> None:
        if change.kind.key == self._kind.key:
            self._news.set()

    async def lines(self) -> AsyncIterator[bytes]:
        """The events as they come."""
        self._storage.listen(self._on_change)
        try:
            for line in self._begin():
                yield line
            async for line in self._follow():
                yield line
        except VersionExpired as too_old:
            failure = expired(f"too old resource version: {self._version} ({too_old.oldest})")
            yield b'{"type":"ERROR","object":%s}\n' % encoded(failure.status)
        finally:
            self._storage.mute(self._on_change)

    def _begin(self) -> list[bytes]:
        if self._version and not self._initial:
            return []
        self._version = self._storage.version
        found = sorted(self._storage.all(self._kind, self._filter.namespace), key=lambda stored: stored.version)
        lines = [_line(b"ADDED", self._render(stored)) for stored in found if self._filter.takes(stored)]
        if self._initial:
            lines.append(self._bookmark({"k8s.io/initial-events-end": "true"}))
        return lines

    async def _follow(self) -> AsyncIterator[bytes]:
        next_bookmark = time.monotonic() + _BETWEEN_BOOKMARKS_S
        while True:
            # Before the changes are read: a write after that sets it again.
            self._news.clear()
            batch = self._changes()
            if batch:
                yield b"".join(batch)
            now = time.monotonic()
            if self._closed or now >= self._ends:
                if self._bookmarks and not self._closed:
                    yield self._bookmark({})
                return
            if self._bookmarks and now >= next_bookmark:
                next_bookmark = now + _BETWEEN_BOOKMARKS_S
                yield self._bookmark({})
            try:
                async with asyncio.timeout(min(self._ends, next_bookmark) - now):
                    await self._news.wait()
            except TimeoutError:
                continue

    def _changes(self) -> list[bytes]:
        lines: list[bytes] = []
        for change in self._storage.changes_since(self._kind, self._version):
            # An object that begins or ceases to match a selector is ADDED or DELETED for this watch, though only its
            # labels changed.
            is_wanted = self._filter.takes(change.stored)
            was_wanted = change.before is not None and self._filter.takes(change.before)
            if change.type == "DELETED":
                if was_wanted:
                    lines.append(_line(b"DELETED", self._render(change.stored)))
            elif is_wanted:
                lines.append(_line(b"MODIFIED" if was_wanted else b"ADDED", self._render(change.stored)))
            elif was_wanted:
                lines.append(_line(b"DELETED", self._render(change.stored)))
        self._version = max(self._version, self._storage.version)
        return lines

    def _bookmark(self, annotations: dict[str, str]) -> bytes:
        metadata: JsonObject = {"resourceVersion": str(self._version), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = {**annotations}
        body: JsonObject = {"kind": self._kind.name, "apiVersion": self._kind.api_version, "metadata": metadata}
        return _line(b"BOOKMARK", encoded(body))


def _line(kind: bytes, body: bytes) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (kind, body)


def _version_of(request: Request) -> int:
    text = request.text("resourceVersion")
    if request.flag("sendInitialEvents") and request.text("resourceVersionMatch") != "NotOlderThan":
        raise Failure(
            422,
            "Invalid",
            'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires '
            "setting resourceVersionMatch to NotOlderThan",
        )
    if not text:
        return 0
    if not text.isdigit():
        raise bad_request(f'invalid resource version "{text}": strconv.ParseUint: parsing "{text}": invalid syntax')
    return int(text)
