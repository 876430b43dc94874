"""A model server on loopback that misbehaves in one way at a time."""

import asyncio
import datetime
import json
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from kubernaut.domain.objects import Json, JsonObject

Answer: TypeAlias = Callable[[JsonObject, asyncio.StreamWriter], Awaitable[None]]

GOOD: JsonObject = {
    "cause": "crash_after_change",
    "action": "rollback_deployment",
    "confidence_percent": 70,
    "evidence": ["e1"],
    "explanation": "The database refuses since the release.",
}


class Server:
    """Answers the nth request with the nth answer, the last one again and again."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = answers
        self.seen: list[JsonObject] = []
        self.heads: list[str] = []
        self.most_at_once = 0
        self._at_once = 0
        self.open: set[asyncio.Task[None]] = set()

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.open.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(
                    int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length")
                )
                self.heads.append(head)
                self.seen.append(json.loads(await reader.readexactly(length)))
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
                try:
                    await self.answers[min(len(self.seen), len(self.answers)) - 1](self.seen[-1], writer)
                    await writer.drain()
                finally:
                    self._at_once -= 1
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        except asyncio.CancelledError:
            # The test is over while somebody still waits: the stream's own callback would report it as an error.
            return
        finally:
            self.open.discard(task)
            writer.close()

    def prompt(self, request: int = 0) -> str:
        return json.dumps(self.seen[request]["messages"])


@asynccontextmanager
async def listening(server: Server, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The base URL of the running server."""
    running = await asyncio.start_server(server.connection, "127.0.0.1", 0, ssl=tls)
    port = running.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1"
    finally:
        running.close()
        for task in (left := list(server.open)):
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def nobody_listens() -> str:
    """The base URL of a port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


def untrusted_tls(folder: Path) -> ssl.SSLContext:
    """A certificate that nobody vouches for."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", certificate, "-days", "1", "-subj", "/CN=elsewhere.test"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def http(status: int, body: bytes, *, length: int | None = None, headers: str = "", kind: str = "json") -> Answer:
    async def answer(_: JsonObject, writer: asyncio.StreamWriter) -> None:
        size = len(body) if length is None else length
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/{kind}\r\nContent-Length: {size}\r\n{headers}\r\n"
        writer.write(head.encode() + body)
        if size > len(body):
            await writer.drain()
            writer.close()

    return answer


def completion(content: Json, *, finish: str = "stop") -> bytes:
    text = content if isinstance(content, str) else json.dumps(content)
    reply = {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "small",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }
    return json.dumps(reply).encode()


def says(content: Json, *, finish: str = "stop") -> Answer:
    return http(200, completion(content, finish=finish))


def later(answer: Answer, gate: asyncio.Event) -> Answer:
    """That answer once the gate is open."""

    async def waits(request: JsonObject, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await answer(request, writer)

    return waits


async def hang(_: JsonObject, writer: asyncio.StreamWriter) -> None:
    del writer
    await asyncio.Event().wait()


async def hang_up(_: JsonObject, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def drip(_: JsonObject, writer: asyncio.StreamWriter) -> None:
    """A byte now and then: each read succeeds, the whole never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def endless(_: JsonObject, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" " * 65536)
        await writer.drain()


def throttled(retry_after: str) -> Answer:
    return http(429, b'{"error": {"message": "slower"}}', headers=f"Retry-After: {retry_after}\r\n")


def http_date(moment: datetime.datetime) -> str:
    return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")


def asks_for(*calls: tuple[str, Json]) -> Answer:
    """A reply that looks things up, in OpenAI's protocol; arguments that are a text are sent as they are."""
    wanted = [
        {
            "id": f"call-{number}",
            "type": "function",
            "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for number, (name, given) in enumerate(calls)
    ]
    reply = json.loads(completion("", finish="tool_calls"))
    reply["choices"][0]["message"] |= {"content": None, "tool_calls": wanted}
    return http(200, json.dumps(reply).encode())
