"""uvicorn's HTTP protocol, which waits for a request without end, with bounds on its time and its head's size.

One timer a connection, and only while a request that did not arrive at once is on its way: nearly all do, and a timer
for each would cost as much as storing its alert.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kubernaut.entrypoints.http.corking import CorkedTransport

# Larger than any real one; without a bound a head that never ends fills the memory.
HEAD_BYTES = 64 * 2**10


class BoundedHttpProtocol(HttpToolsProtocol):
    """Closes a connection whose request takes too long to arrive, or whose head is too large."""

    request_seconds: ClassVar[float] = 30.0

    _timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Starts the time of the first request."""
        super().connection_made(CorkedTransport(transport, self.loop))
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the timer with the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Ends the time of a request that is here, and bounds one that is not; its body is bounded by who reads it."""
        super().data_received(data)
        # uvicorn makes the scope with the first byte of a request, and the cycle at the end of its head.
        in_head = self.cycle is None or self.cycle.scope is not self.scope
        self._head_bytes = self._head_bytes + len(data) if in_head else 0
        if self._head_bytes > HEAD_BYTES:
            self.transport.close()
        if in_head or self.cycle.more_body:
            self._start_timer()
        else:
            self._stop_timer()

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.request_seconds, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
