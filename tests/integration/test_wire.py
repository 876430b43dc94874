"""The transport to the API server, against a server that answers with the very bytes of the test."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from lightkube.config.client_adapter import BearerTokenFileAuth

from kubernaut.adapters.kubernetes.wire import WireTransport

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
HANG_UP = b"hang up"


@dataclass
class Script:
    """What the server says to each request, and what it saw."""

    answers: list[Sequence[bytes]]
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                self.requests.append(head + await reader.readexactly(length))
                for part in self.answers.pop(0):
                    if part == HANG_UP:
                        return
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def talking(*answers: Sequence[bytes]) -> AsyncIterator[tuple[httpx2.AsyncClient, Script]]:
    script = Script([*answers])
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = WireTransport(ssl.create_default_context())
    async with httpx2.AsyncClient(
        transport=transport, base_url=f"http://127.0.0.1:{port}", timeout=httpx2.Timeout(5, read=0.2)
    ) as client:
        yield client, script
    server.close()


async def test_a_connection_is_used_again_once_its_answer_was_read() -> None:
    async with talking([OK], [OK]) as (client, script):
        assert [(await client.get("/a")).text, (await client.get("/b")).text] == ["ok", "ok"]
        assert script.connections == 1


async def test_what_is_sent_arrives_as_it_was_meant() -> None:
    async with talking([OK]) as (client, script):
        await client.patch("/apis/apps/v1?dryRun=All", content=b'{"spec":{}}', headers={"x-what": "value"})
        (request,) = script.requests
        assert request.startswith(b"PATCH /apis/apps/v1?dryRun=All HTTP/1.1\r\n")
        assert b"x-what: value\r\n" in request.lower()
        assert request.endswith(b'\r\n\r\n{"spec":{}}')


async def test_a_connection_whose_answer_was_not_read_to_its_end_is_not_used_again() -> None:
    long = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc"
    async with talking([long], [OK]) as (client, script):
        async with client.stream("GET", "/watch") as answer:
            assert answer.status_code == 200
        assert (await client.get("/b")).text == "ok"
        assert script.connections == 2


async def test_a_server_that_asks_to_close_is_not_spoken_to_on_that_connection_again() -> None:
    last = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"
    async with talking([last], [OK]) as (client, script):
        await client.get("/a")
        await client.get("/b")
        assert script.connections == 2


async def test_a_connection_that_the_server_closed_meanwhile_is_replaced() -> None:
    async with talking([OK, HANG_UP], [OK]) as (client, script):
        await client.get("/a")
        await asyncio.sleep(0.05)
        assert (await client.get("/b")).text == "ok"
        assert script.connections == 2


@pytest.mark.parametrize(
    "parts",
    [
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n", b"3\r\ncde\r\n", b"0\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\ncontent-le", b"ngth: 5\r\n\r\nab", b"cde"],
        [b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcde"],
        [b"HTTP/1.1 200 OK\r\n\r\nab", b"cde", HANG_UP],
    ],
    ids=["chunked", "in pieces", "announced", "until the end"],
)
async def test_an_answer_is_read_whole_however_it_is_sent(parts: list[bytes]) -> None:
    async with talking(parts) as (client, _):
        answer = await client.get("/a")
        assert (answer.status_code, answer.text) == (200, "abcde")
        assert "link" not in answer.headers


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ([HANG_UP], httpx2.ReadError),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab", HANG_UP], httpx2.ReadError),
        ([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n", HANG_UP], httpx2.ReadError),
        ([b"SSH-2.0-OpenSSH_9.6\r\n"], httpx2.RemoteProtocolError),
        ([b"HTTP/1.1 200 OK\r\nx: " + b"a" * 2**17 + b"\r\n\r\n"], httpx2.RemoteProtocolError),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab"], httpx2.ReadTimeout),
        ([b""], httpx2.ReadTimeout),
    ],
    ids=["no answer", "cut short", "cut in chunks", "no HTTP", "endless head", "body stalls", "head stalls"],
)
async def test_an_answer_that_does_not_come_whole_is_an_error_and_never_an_answer(
    parts: list[bytes], error: type[httpx2.TransportError]
) -> None:
    async with talking(parts, [OK]) as (client, script):
        with pytest.raises(error):
            await client.get("/a")
        assert (await client.get("/b")).text == "ok"
        assert script.connections == 2


async def test_an_address_where_nobody_listens_is_a_connect_error() -> None:
    async with httpx2.AsyncClient(transport=WireTransport(ssl.create_default_context())) as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get("http://127.0.0.1:9/")


async def test_a_line_break_cannot_be_smuggled_into_a_request() -> None:
    transport = WireTransport(ssl.create_default_context())
    request = httpx2.Request("GET", "http://127.0.0.1:9/", headers=[(b"x", b"1\r\nhost: other")])
    with pytest.raises(httpx2.LocalProtocolError):
        await transport.handle_async_request(request)


async def test_a_token_that_was_replaced_is_read_again_and_the_request_sent_again(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    refused = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno"
    async with talking([OK], [refused], [OK]) as (client, script):
        transport, auth = WireTransport(ssl.create_default_context()), BearerTokenFileAuth(str(token))
        for written in ("old", "new"):
            token.write_text(written)
            response = await transport.send(client.build_request("GET", "/a"), auth)
            assert (response.status_code, await response.aread()) == (200, b"ok")
            await response.aclose()
        await transport.aclose()
        sent = [request.partition(b"Bearer ")[2].partition(b"\r\n")[0] for request in script.requests]
        assert (sent, script.connections) == ([b"old", b"old", b"new"], 1)
