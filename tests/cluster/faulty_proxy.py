"""A proxy before a real API server that spoils one write, as networks, overload and other people do.

It also gives each client a town of its own on the one server: the namespace and the nodes that the client speaks of go
by other names there.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import httpx2

from kubernaut.adapters.kubernetes.connection import ClusterOptions, open_client
from kubernaut.domain.objects import JsonObject

_NOT_PASSED_ON = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "authorization", "accept-encoding"}
)
_READS = frozenset({"GET", "HEAD"})


class Spoilt(StrEnum):
    """What becomes of the write; the numbers are answers without the request having been passed on."""

    FORBIDDEN = "403"
    CONFLICT = "409"
    INVALID = "422"
    THROTTLED = "429"
    BROKEN = "500"
    UNANSWERED = "no answer"
    CUT_BEFORE = "cut before it was sent on"
    CUT_AFTER = "cut after it was done"
    DELETED = "deleted meanwhile"


_REASONS = {
    Spoilt.FORBIDDEN: "Forbidden",
    Spoilt.CONFLICT: "Conflict",
    Spoilt.INVALID: "Invalid",
    Spoilt.THROTTLED: "TooManyRequests",
    Spoilt.BROKEN: "InternalError",
}


@dataclass(frozen=True)
class Elsewhere:
    """The namespace `shop` and the nodes `worker-N` by names that are nobody else's on the server."""

    name: str

    def out(self, text: bytes) -> bytes:
        """As the server knows it."""
        text = re.sub(rb'(/namespaces/|")shop(?=["\\\\/?]|$)', rb"\g<1>" + self.name.encode(), text)
        return text.replace(b"worker-", self._node)

    def back(self, text: bytes) -> bytes:
        """As the client knows it."""
        text = re.sub(rb'"' + self.name.encode() + rb'(?=["\\\\])', rb'"shop', text)
        # Nodes of other tests on that server go by these names, too.
        return text.replace(b'"worker-', b'"other-worker-').replace(self._node, b"worker-")

    @property
    def _node(self) -> bytes:
        return f"{self.name}-worker-".encode()


@dataclass
class FaultyProxy:
    """`spoils` names what happens to the `at`-th write from now on; dry runs are no writes."""

    upstream: httpx2.AsyncClient
    elsewhere: Elsewhere
    spoils: Spoilt | None = None
    at: int = 0
    writes: int = 0
    delete: Callable[[], Awaitable[object]] | None = None

    def begin(self, spoils: Spoilt | None, at: int) -> None:
        self.spoils, self.at, self.writes = spoils, at, 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if not await self._one(head.decode("latin-1"), reader, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        first, *lines = head.rstrip("\r\n").split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        spoilt = self._spoilt(method, path, body)
        match spoilt:
            case Spoilt.UNANSWERED:
                await reader.read()
                return False
            case Spoilt.CUT_BEFORE:
                return False
            case Spoilt.DELETED if self.delete is not None:
                await self.delete()
            case Spoilt.CUT_AFTER | None:
                pass
            case refused:
                await _say(writer, int(refused), _status(refused))
                return True
        sent = {name: text for name, text in headers.items() if name not in _NOT_PASSED_ON}
        place = self.elsewhere.out(path.encode()).decode()
        reply = await self.upstream.request(method, place, headers=sent, content=self.elsewhere.out(body))
        if spoilt is Spoilt.CUT_AFTER:
            return False
        await _say(writer, reply.status_code, self.elsewhere.back(reply.content))
        return True

    def _spoilt(self, method: str, path: str, body: bytes) -> Spoilt | None:
        asks = "dryRun" in path or b'"dryRun"' in body or "accessreviews" in path
        if method in _READS or asks:
            return None
        self.writes += 1
        return self.spoils if self.writes == self.at else None


def _status(refused: Spoilt) -> bytes:
    status: JsonObject = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": _REASONS[refused],
        "message": f"spoilt: {refused.value}",
        "code": int(refused),
    }
    return json.dumps(status).encode()


async def _say(writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


@asynccontextmanager
async def faulty_proxy(kubeconfig: Path, folder: Path, elsewhere: Elsewhere) -> AsyncIterator[tuple[FaultyProxy, Path]]:
    """The proxy, and a kubeconfig by which clients go through it."""
    client, _ = open_client(ClusterOptions(kubeconfig=str(kubeconfig)))
    async with client as upstream:
        proxy = FaultyProxy(upstream, elsewhere)
        server = await asyncio.start_server(proxy.answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        path = folder / f"{elsewhere.name}-{port}.kubeconfig"
        path.write_text(
            json.dumps(
                {
                    "current-context": "c",
                    "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
                    "users": [{"name": "u", "user": {"token": "passed-by"}}],
                    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                }
            )
        )
        try:
            yield proxy, path
        finally:
            server.close()
