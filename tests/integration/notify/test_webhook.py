import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from kubernaut.adapters.notify.nowhere import NowhereNotifier
from kubernaut.adapters.notify.webhook import WebhookNotifier
from kubernaut.domain.errors import NotifyFailed
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.objects import JsonObject
from kubernaut.ports import Message

MESSAGE = Message(
    IncidentId("inc-1"), "checkout is healed", ("rolled back to revision 3",), {"cause": "image_not_found"}
)


@asynccontextmanager
async def listening(reply: bytes | None) -> AsyncIterator[tuple[str, list[JsonObject]]]:
    received: list[JsonObject] = []
    done = asyncio.Event()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        (length,) = (int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length"))
        received.append(json.loads(await reader.readexactly(length)))
        if reply is None:
            await done.wait()
        else:
            writer.write(reply)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks/t0ken", received
    finally:
        done.set()
        server.close()


async def test_a_message_arrives_as_json_and_its_place_is_said_without_its_secret_path() -> None:
    async with listening(b"HTTP/1.1 204 No Content\r\n\r\n") as (url, received):
        notifier = WebhookNotifier(url)
        place = await notifier.send(MESSAGE)
        await notifier.aclose()

    assert place == "webhook http://127.0.0.1"
    assert received == [
        {
            "incident": "inc-1",
            "title": "checkout is healed",
            "lines": ["rolled back to revision 3"],
            "facts": {"cause": "image_not_found"},
        }
    ]


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"",
    ],
    ids=["500", "404", "redirect", "not HTTP", "hung up"],
)
async def test_a_message_that_was_not_taken_is_a_failure_that_may_be_repeated(reply: bytes) -> None:
    async with listening(reply) as (url, _):
        notifier = WebhookNotifier(url)
        with pytest.raises(NotifyFailed) as raised:
            await notifier.send(MESSAGE)
        await notifier.aclose()

    assert raised.value.retryable
    assert "t0ken" not in str(raised.value)


async def test_a_channel_that_hangs_is_given_up() -> None:
    async with listening(None) as (url, _):
        notifier = WebhookNotifier(url, timeout=timedelta(milliseconds=200))
        with pytest.raises(NotifyFailed):
            await notifier.send(MESSAGE)
        await notifier.aclose()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "ftp://host/x", "not a url"])
async def test_an_address_that_cannot_be_reached_is_a_failure(url: str) -> None:
    notifier = WebhookNotifier(url)
    with pytest.raises(NotifyFailed):
        await notifier.send(MESSAGE)
    await notifier.aclose()


async def test_without_a_channel_a_message_says_that_it_went_nowhere() -> None:
    assert await NowhereNotifier().send(MESSAGE) == "nowhere: no channel is set"
