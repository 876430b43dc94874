"""A transport that sends what is written in one turn of the event loop in one go.

uvicorn writes a response's head and its body apart; each write to the socket costs as much as parsing an alert.
"""

from __future__ import annotations

import asyncio


class CorkedTransport(asyncio.Transport):
    """Gathers writes until the loop comes round; otherwise the transport it was given."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._gathered: list[bytes | bytearray | memoryview] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Sends the data soon, together with what follows at once."""
        if not self._gathered:
            # At the end of this turn of the loop, so nothing is sent later than it would be anyway.
            self._loop.call_soon(self._flush)
        self._gathered.append(data)

    def close(self) -> None:
        """Sends what was gathered, then closes."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Closes without sending."""
        self._gathered.clear()
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Takes no more from the peer for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Takes from the peer again."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: object = None) -> object:
        """What the transport knows of its socket."""
        return self._transport.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hands the connection to another protocol."""
        self._transport.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The protocol of the connection."""
        return self._transport.get_protocol()

    def _flush(self) -> None:
        if self._gathered:
            data = self._gathered[0] if len(self._gathered) == 1 else b"".join(self._gathered)
            self._gathered.clear()
            self._transport.write(data)
