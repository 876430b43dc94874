"""uvicorn's HTTP protocol, which waits for a request without end, with bounds on its time and its head's size.

One timer a connection, and only while a request that did not arrive at once is on its way: nearly all do, and a timer
for each would cost as much as storing its alert.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kubernaut.entrypoints.http.corking import CorkedTransport

HEAD_BYTES = 64 * 2**10


class BoundedHttpProtocol(HttpToolsProtocol):
    """Closes a connection whose request takes too long to arrive, or whose head is too large."""

    request_seconds: ClassVar[float] = 30.0

    _timer: asyncio.TimerHandle | None = None
    _arriving = True
    _head_bytes = 0
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Starts the time of the first request."""
        super().connection_made(CorkedTransport(transport, self.loop))
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the timer with the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Counts the head, and starts the time of a request that is not complete yet."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self.transport.close()
                return
        if self._arriving and self._timer is None:
            self._start_timer()

    def on_message_begin(self) -> None:
        """Begins a further request."""
        super().on_message_begin()
        self._arriving = self._in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Ends the head: a body is bounded by whoever reads it."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Ends the time: the request is here."""
        self._arriving = False
        self._stop_timer()
        super().on_message_complete()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(self.request_seconds, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
