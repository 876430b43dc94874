"""HTTP/1.1 to the API server on asyncio and a parser in C.

An investigation is some twenty small reads, and with httpx2's own transport most of its time was the transport's. This
one keeps connections, streams bodies with back-pressure, and raises the same errors. It knows no proxy and no HTTP/2.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Final, TypeAlias, cast

import httptools
import httpx2

_Origin: TypeAlias = tuple[str, str, int]

_PORTS: Final = {"http": 80, "https": 443}
# Idle ones cost the server memory, and more than are used at once are of no use.
_MOST_IDLE: Final = 32
# Bytes that are held for a slow reader before the socket is paused, which tells the server to wait.
_READ_AHEAD: Final = 256 * 2**10
_LARGEST_HEAD: Final = 64 * 2**10
_FIRST_FINAL_STATUS: Final = 200


class _Connection(asyncio.Protocol):
    """A connection with one exchange at a time. asyncio calls its first methods, the parser those named `on_`."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._wake = asyncio.Event()
        self._error: httpx2.TransportError | None = None
        self._clear()

    def _clear(self) -> None:
        # A new one for each answer: a parser that has seen an error takes no more.
        self._parser = httptools.HttpResponseParser(self)
        self._chunks: list[bytes] = []
        self._ahead = 0
        self._head_size = 0
        self._complete = False
        self._keeps = True
        self.headers: list[tuple[bytes, bytes]] = []
        self.status = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(httpx2.RemoteProtocolError(str(error)))
            self.abort()
        if self._ahead > _READ_AHEAD and self._transport is not None:
            self._transport.pause_reading()
        self._wake.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, which is the proper end of an answer without a length."""
        names = {name.lower() for name, _ in self.headers}
        # RFC 9112, 6.3: without a length the answer ends with the connection; with one it was cut off.
        if self.status and not names & {b"content-length", b"transfer-encoding"}:
            self._complete = True
        self._fail(httpx2.ReadError(str(exc or "the server closed the connection")))
        self._wake.set()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._head_size += len(name) + len(value)
        if self._head_size > _LARGEST_HEAD:
            raise httpx2.RemoteProtocolError("the headers of the answer are too large")
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole; below 200 it only announces another one."""
        status = self._parser.get_status_code()
        self.status = status if status >= _FIRST_FINAL_STATUS else 0
        if not self.status:
            self.headers.clear()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._chunks.append(body)
        self._ahead += len(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self._complete = self.status > 0
        self._keeps = self._parser.should_keep_alive()

    @property
    def is_open(self) -> bool:
        """Whether both ends still hold it."""
        return self._error is None and self._transport is not None and not self._transport.is_closing()

    @property
    def is_reusable(self) -> bool:
        """Whether another exchange may follow this one."""
        # An answer that was not read to its end would be taken for the next one's beginning.
        return self.is_open and self._complete and self._keeps and not self._chunks

    def send(self, request: bytes) -> None:
        """Begins an exchange."""
        self._clear()
        if self._transport is not None:
            self._transport.write(request)

    async def head(self, patience_s: float | None) -> None:
        """Returns once `status` and `headers` are known."""
        while not self.status:
            await self._more(patience_s)

    async def body(self, patience_s: float | None) -> AsyncIterator[bytes]:
        """The body as it comes in."""
        while True:
            if self._chunks:
                chunk = b"".join(self._chunks)
                self._chunks.clear()
                self._ahead = 0
                if self.is_open and self._transport is not None:
                    self._transport.resume_reading()
                yield chunk
            elif self._complete:
                return
            else:
                await self._more(patience_s)

    def abort(self) -> None:
        """Ends it at once."""
        if self._transport is not None:
            self._transport.abort()

    def _fail(self, error: httpx2.TransportError) -> None:
        self._error = self._error or error

    async def _more(self, patience_s: float | None) -> None:
        if self._error is not None:
            raise self._error
        self._wake.clear()
        try:
            async with asyncio.timeout(patience_s):
                await self._wake.wait()
        except TimeoutError as error:
            raise httpx2.ReadTimeout(f"nothing came for {patience_s:g} s") from error


class _Body(httpx2.AsyncByteStream):
    """The body of an answer; closing it gives the connection back."""

    def __init__(self, connection: _Connection, patience_s: float | None, done: Callable[[], None]) -> None:
        self._connection = connection
        self._patience_s = patience_s
        self._done = done

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._connection.body(self._patience_s)

    async def aclose(self) -> None:
        self._done()


class WireTransport(httpx2.AsyncBaseTransport):
    """The transport of a client. Idle connections are kept, and used again while the server holds them too."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._idle: dict[_Origin, list[_Connection]] = {}

    async def send(self, request: httpx2.Request, auth: httpx2.Auth | None) -> httpx2.Response:
        """The answer as the client would give it, its body still to come: an API server sends nobody on.

        Redirects, cookies and hooks, which the client looks after at each request, take a third of its time.
        """
        if auth is None:
            return await self._answer(request)
        flow = auth.async_auth_flow(request)
        try:
            asked = await anext(flow)
            while True:
                response = await self._answer(asked)
                try:
                    asked = await flow.asend(response)
                except StopAsyncIteration:
                    return response
                # The refused answer has to be read before the connection can carry the second try.
                await response.aread()
        finally:
            await flow.aclose()

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        response = await self.handle_async_request(request)
        response.request = request
        return response

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, with its body still to come."""
        patience: dict[str, float | None] = request.extensions.get("timeout", {})
        content = _written(request, await request.aread())
        url = request.url
        origin = (url.scheme, url.host, url.port or _PORTS[url.scheme])
        connection = self._take(origin) or await self._open(origin, patience.get("connect"))
        answered = False
        try:
            connection.send(content)
            await connection.head(patience.get("read"))
            answered = True
        finally:
            # Half an exchange: the rest of its answer would come into the next one.
            if not answered:
                connection.abort()
        body = _Body(connection, patience.get("read"), lambda: self._give_back(origin, connection))
        return httpx2.Response(connection.status, headers=connection.headers, stream=body)

    async def aclose(self) -> None:
        """Closes the idle connections."""
        for connections in self._idle.values():
            for connection in connections:
                connection.abort()
        self._idle.clear()
        # The transports tell their sockets in the next round of the loop.
        await asyncio.sleep(0)

    def _take(self, origin: _Origin) -> _Connection | None:
        idle = self._idle.get(origin, [])
        while idle:
            connection = idle.pop()
            # The server may have closed it while it was idle; it is found out here and not by a failed request.
            if connection.is_open:
                return connection
        return None

    def _give_back(self, origin: _Origin, connection: _Connection) -> None:
        idle = self._idle.setdefault(origin, [])
        if connection.is_reusable and len(idle) < _MOST_IDLE and connection not in idle:
            idle.append(connection)
        elif connection not in idle:
            connection.abort()

    async def _open(self, origin: _Origin, patience_s: float | None) -> _Connection:
        scheme, host, port = origin
        tls = self._tls if scheme == "https" else None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(patience_s):
                _, connection = await loop.create_connection(_Connection, host, port, ssl=tls)
        except TimeoutError as error:
            raise httpx2.ConnectTimeout(f"no connection in {patience_s or 0:g} s") from error
        except OSError as error:
            raise httpx2.ConnectError(str(error)) from error
        return connection


def _written(request: httpx2.Request, body: bytes) -> bytes:
    lines = [request.method.encode() + b" " + request.url.raw_path + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in request.headers.raw]
    if any(b"\r" in line or b"\n" in line for line in lines):
        raise httpx2.LocalProtocolError("a line break in a header")
    return b"\r\n".join([*lines, b"", body])
