"""The HTTP client of a provider: bounded, and it remembers what a failure is told apart by."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass

import httpx2

from kubernaut.adapters.models.provider import Provider

_MOST_REPLY_BYTES = 1 << 20


@dataclass(slots=True)
class Exchange:
    """What was seen on the wire for one question; the status and the bytes are those of the last request."""

    first_sent: float | None = None
    requests: int = 0
    status: int | None = None
    received: int = 0
    is_json: bool = True

    def sent(self) -> None:
        """Notes that a request goes out."""
        self.requests += 1
        self.status, self.received, self.is_json = None, 0, True
        if self.first_sent is None:
            self.first_sent = time.monotonic()


# By task and not by client: one client serves several questions at a time.
_exchange: ContextVar[Exchange] = ContextVar("what is seen on the wire for the question at hand")


def watch(exchange: Exchange) -> None:
    """Lets the clients tell this exchange about the requests of the current task."""
    _exchange.set(exchange)


def http_client(provider: Provider, *, most_bytes: int = _MOST_REPLY_BYTES) -> httpx2.AsyncClient:
    """A client whose connections are kept between questions; a reply of more than that many bytes is broken off."""
    limits = httpx2.Limits(
        max_connections=provider.limits.concurrency, max_keepalive_connections=provider.limits.concurrency
    )
    transport = _BoundedReplies(httpx2.AsyncHTTPTransport(limits=limits), most_bytes)
    return httpx2.AsyncClient(transport=transport, timeout=provider.timeout.total_seconds())


class _BoundedReplies(httpx2.AsyncBaseTransport):
    """A transport that breaks off a reply no sane model sends."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, most_bytes: int) -> None:
        self._inner = inner
        self._most_bytes = most_bytes

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        exchange = _exchange.get(None) or Exchange()
        response = await self._inner.handle_async_request(request)
        exchange.status = response.status_code
        exchange.is_json = "json" in response.headers.get("content-type", "json")
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _BoundedStream(response.stream, exchange, self._most_bytes)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, exchange: Exchange, most_bytes: int) -> None:
        self._inner = inner
        self._exchange = exchange
        self._most_bytes = most_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._exchange.received += len(chunk)
            if self._exchange.received > self._most_bytes:
                raise httpx2.ReadError(f"a reply of more than {self._most_bytes} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
