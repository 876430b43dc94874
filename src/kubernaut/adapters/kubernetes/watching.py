"""A watch that outlives its connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Literal, cast

from kubernaut.adapters.kubernetes.answers import Asked
from kubernaut.adapters.kubernetes.requests import KubernetesApi, decode_object, path_of
from kubernaut.adapters.kubernetes.secrets import without_values
from kubernaut.domain.errors import ClusterThrottled, ClusterUnavailable, WatchExpired
from kubernaut.domain.objects import KubeObject, Tree
from kubernaut.ports import Resource, WatchEvent

# Asked for: left alone, a server ends a watch after 30 to 60 minutes, and a dead connection is not noticed till then.
_SERVER_ENDS_IT_S: Final = 240
# Longer than the server's own end, so that only a dead connection runs into it.
_LONGEST_SILENCE_S: Final = 270.0
# etcd stores at most some 1.5 MiB an object; a line that never ends must not fill the memory.
_LARGEST_EVENT: Final = 16 * 2**20
_ATTEMPTS: Final = 8
_GONE: Final = 410


async def watch(
    api: KubernetesApi,
    resource: Resource,
    namespace: str,
    resource_version: str,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[WatchEvent]:
    """Changes from that version on.

    After a cut it goes on from the last version seen (bookmarks count), slower each time; after eight failures in a
    row it raises the last of them. A version that the server has forgotten raises `WatchExpired`.
    """
    asked = Asked("watch", resource, f"{resource.plural} of {namespace or 'all namespaces'}")
    version, failures = resource_version, 0
    while True:
        try:
            async for kind, seen in _one_connection(api, asked, namespace, version):
                # Bookmarks move the version on where nothing of ours changes, so that a resumption is not too old by
                # then.
                version, failures = seen.resource_version or version, 0
                if kind != "BOOKMARK":
                    yield WatchEvent(cast("Literal['ADDED', 'MODIFIED', 'DELETED']", kind), seen)
        except (ClusterUnavailable, ClusterThrottled) as error:
            failures += 1
            if failures >= _ATTEMPTS:
                raise
            # A clean end by the server is no failure: the loop goes on at once from the last version.
            pause = error.retry_after_s if isinstance(error, ClusterThrottled) else 0.25 * 2**failures
            await sleep(min(pause, 30.0))


async def _one_connection(
    api: KubernetesApi, asked: Asked, namespace: str, version: str
) -> AsyncIterator[tuple[str, KubeObject]]:
    params = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(_SERVER_ENDS_IT_S)}
    if version:
        params["resourceVersion"] = version
    path = path_of(asked.resource, namespace)
    request = api.watch_request(path, params, read_timeout_s=_LONGEST_SILENCE_S)
    rest = bytearray()
    async with api.streaming(asked, request, deadline_s=None) as response:
        async for chunk in response.aiter_bytes():
            rest += chunk
            # One JSON object a line, cut by the network wherever it likes.
            *lines, last = rest.split(b"\n")
            rest = last
            if len(rest) > _LARGEST_EVENT:
                raise ClusterUnavailable(f"{asked.text}: one event is larger than {_LARGEST_EVENT} bytes")
            for line in filter(None, lines):
                yield _event(bytes(line), asked)


def _event(line: bytes, asked: Asked) -> tuple[str, KubeObject]:
    entry = Tree(decode_object(line, asked))
    kind, content = entry.text("type"), entry.tree("object")
    if kind == "ERROR":
        words = f"{asked.text}: {content.text('message')}"
        # An expired version comes inside a 200 answer, as an event: only a new list helps, and that is the caller's.
        raise WatchExpired(words) if content.integer("code") == _GONE else ClusterUnavailable(words)
    if kind not in {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"}:
        raise ClusterUnavailable(f"{asked.text}: an event of unknown type {kind[:40]!r}")
    return kind, KubeObject(without_values(dict(content.raw)))
