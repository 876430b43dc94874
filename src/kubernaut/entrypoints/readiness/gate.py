"""A way to a dependency that can be taken away: TCP passed on, delayed, kept silent or cut off."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import StrEnum
from typing import Self

_CHUNK = 1 << 16


class Mode(StrEnum):
    """What becomes of what is sent."""

    OPEN = "open"
    SLOW = "slow"
    SILENT = "silent"
    GONE = "gone"


class Gate:
    """Listens on loopback for one server behind it; use as an async context manager."""

    def __init__(self, port: int, *, delay_s: float = 2.0) -> None:
        self.port = 0
        self.mode = Mode.OPEN
        self._behind = port
        self._delay_s = delay_s
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Listens from now on."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cuts off whoever is connected."""
        if self._server is not None:
            self._server.close()
        self.put(Mode.GONE)
        # What is cut off is closed by the loop only when it goes on.
        while self._open:  # noqa: ASYNC110  # each ends by itself
            await asyncio.sleep(0)

    def put(self, mode: Mode) -> None:
        """From now on; those who are connected are cut off where nothing is there any more."""
        self.mode = mode
        self._changed.set()
        self._changed = asyncio.Event()
        if mode is Mode.GONE:
            for writer in self._open:
                writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode is Mode.GONE:
            writer.transport.abort()
            return
        with suppress(OSError):
            back, forth = await asyncio.open_connection("127.0.0.1", self._behind)
            both = {writer, forth}
            self._open |= both
            try:
                await asyncio.gather(self._pump(reader, forth), self._pump(back, writer))
            finally:
                self._open -= both
                for one in both:
                    one.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(_CHUNK):
            while self.mode is Mode.SILENT:
                await self._changed.wait()
            if self.mode is Mode.SLOW:
                await asyncio.sleep(self._delay_s)
            sink.write(chunk)
            await sink.drain()
        # Either end may close; then the other has nothing to wait for.
        sink.transport.abort()
