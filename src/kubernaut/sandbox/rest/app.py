"""The ASGI application: routes a request, streams watches, and turns refusals into `Status` bodies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass

import structlog

from kubernaut.sandbox.cluster import Cluster
from kubernaut.sandbox.failures import Failure, no_such_path
from kubernaut.sandbox.kubelet.kubelets import Kubelets
from kubernaut.sandbox.rest import tables
from kubernaut.sandbox.rest.authorizing import Access, Attempt, check_allowed
from kubernaut.sandbox.rest.discovery import document
from kubernaut.sandbox.rest.requests import LARGEST_BODY, Request, Target, parse_path, parse_query, too_large
from kubernaut.sandbox.rest.resources import Reply, Resources, reply_failure, reply_json
from kubernaut.sandbox.rest.watching import Watch

log = structlog.get_logger()
Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_HEALTH = frozenset({"/healthz", "/livez", "/readyz"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What the server hands over, typed."""

    method: str
    path: str
    query: bytes
    headers: dict[str, str]


def _read_scope(scope: Message) -> Asked:
    raw = scope["headers"]
    pairs = raw if isinstance(raw, list) else []
    headers = {bytes(key).decode("latin-1").lower(): bytes(value).decode("latin-1") for key, value in pairs}
    query = scope["query_string"]
    return Asked(str(scope["method"]), str(scope["path"]), query if isinstance(query, bytes) else b"", headers)


class RestApp:
    """Serves one cluster."""

    def __init__(self, cluster: Cluster, kubelets: Kubelets, access: Access) -> None:
        self._cluster = cluster
        self._access = access
        self._resources = Resources(cluster, kubelets)
        self._watches: set[Watch] = set()
        self._closing = False

    def close(self) -> None:
        """Ends all watches, so that the server can stop."""
        self._closing = True
        for watch in list(self._watches):
            watch.close()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        asked = _read_scope(scope)
        try:
            request = await self._parse(asked, receive)
            if isinstance(request, Reply):
                reply = request
            elif request.verb == "watch" or (request.verb == "get" and request.flag("watch")):
                await self._stream(request, receive, send)
                return
            else:
                reply = self._resources.answer(request)
        except Failure as failure:
            reply = reply_failure(failure)
        except Exception:  # the HTTP error boundary: a fault of ours is a 500 and not a dead connection
            log.exception("sandbox request failed", method=asked.method, path=asked.path)
            reply = reply_failure(Failure(500, "InternalError", "Internal error occurred"))
        await _send_reply(send, reply)

    async def _parse(self, asked: Asked, receive: Receive) -> Request | Reply:
        if asked.path in _HEALTH:
            return Reply(b"ok", media_type="text/plain")
        user = self._access.user_of(asked.headers)
        target = parse_path(asked.path)
        if target is None:
            found = document(asked.path) if asked.method == "GET" else None
            if found is None:
                raise no_such_path()
            return reply_json(found)
        body = await _read_body(receive) if asked.method != "GET" else b""
        request = Request(asked.method, target, parse_query(asked.query), asked.headers, body, user)
        check_allowed(self._cluster, user, _attempt(request, target))
        return request

    async def _stream(self, request: Request, receive: Receive, send: Send) -> None:
        kind = request.target.kind
        render = None
        if tables.is_wanted(request):
            render = tables.row_renderer(kind, self._cluster.clock.now, of=request.text("includeObject"))
        watch = Watch(self._cluster, request, render)
        if self._closing:
            watch.close()
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-cache, private")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        self._watches.add(watch)
        try:
            async with asyncio.TaskGroup() as group:
                listener = group.create_task(_close_when_gone(watch, receive))
                async for line in watch.lines():
                    await send({"type": "http.response.body", "body": line, "more_body": True})
                listener.cancel()
        finally:
            self._watches.discard(watch)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _attempt(request: Request, target: Target) -> Attempt:
    kind = target.kind
    return Attempt(request.verb, kind.group, kind.plural, target.subresource, target.namespace, target.name)


async def _close_when_gone(watch: Watch, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    watch.close()


async def _read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        part = message.get("body", b"")
        if isinstance(part, bytes):
            parts.append(part)
            size += len(part)
        if size > LARGEST_BODY:
            raise too_large()
        if not message.get("more_body"):
            break
    return b"".join(parts)


async def _send_reply(send: Send, reply: Reply) -> None:
    headers = [
        (b"content-type", reply.media_type.encode()),
        (b"content-length", str(len(reply.body)).encode()),
        *((key.encode(), value.encode()) for key, value in reply.headers.items()),
    ]
    await send({"type": "http.response.start", "status": reply.code, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
