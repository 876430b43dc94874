"""A server that speaks OpenAI's `/embeddings`, and misbehaves as it is told."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

DIMENSION = 16


def vector_of(text: str) -> list[float]:
    """Any fixed direction of the text."""
    return [
        byte / 127.5 - 1 for byte in hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=DIMENSION).digest()
    ]


@dataclass
class SystemClockWithoutWaits:
    """Its waits take no time, and are noted."""

    at: datetime = datetime(2026, 11, 23, tzinfo=UTC)
    waited: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    async def sleep(self, duration: timedelta) -> None:
        self.waited.append(duration.total_seconds())
        self.at += duration


@dataclass
class EmbeddingServer:
    """`answers` are given first, as (status, headers, body); None hangs up. Then it answers rightly."""

    url: str = ""
    answers: list[tuple[int, str, bytes] | None] = field(default_factory=list)
    requests: list[dict[str, object]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
                asked = json.loads(await reader.readexactly(int(fields["content-length"])))
                self.requests.append(asked)
                self.keys.append(fields.get("authorization", ""))
                answer = self.answers.pop(0) if self.answers else (200, "", self.rightly(asked["input"]))
                if answer is None:
                    return
                status, headers, body = answer
                writer.write(f"HTTP/1.1 {status} X\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    @staticmethod
    def rightly(texts: list[str]) -> bytes:
        items = [
            {"object": "embedding", "index": place, "embedding": vector_of(text)} for place, text in enumerate(texts)
        ]
        # Servers need not keep the order: that is what `index` is for.
        return json.dumps({"object": "list", "data": items[::-1], "model": "m"}).encode()


@asynccontextmanager
async def running_endpoint() -> AsyncIterator[EmbeddingServer]:
    known = EmbeddingServer()
    server = await asyncio.start_server(known.serve, "127.0.0.1", 0)
    known.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    yield known
    server.close()
