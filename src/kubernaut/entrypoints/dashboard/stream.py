"""Events as they are stored, to any number of open pages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from kubernaut.domain.errors import StoreError
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.journal import Event
from kubernaut.entrypoints.phrases import phrase, word
from kubernaut.ports import Clock, IncidentStore

# A page shows a change at most that much later.
_LOOK_S = 0.4
_BEAT_S = 2.0
_BATCH = 200
# Then the browser comes back by itself, and goes on where it was.
_LONGEST_S = 900.0


async def event_stream(
    incidents: IncidentStore,
    clock: Clock,
    *,
    after: int,
    closing: asyncio.Event,
    incident: IncidentId | None = None,
) -> AsyncIterator[bytes]:
    """Server-sent events from that journal number on, with a heartbeat, of one incident or of all.

    Ends when the service closes.
    """
    loop = asyncio.get_running_loop()
    end, next_beat = loop.time() + _LONGEST_S, 0.0
    seq = after
    yield b"retry: 2000\n\n"
    while loop.time() < end and not closing.is_set():
        try:
            events = await incidents.events(incident, after=seq, limit=_BATCH)
        except StoreError as error:
            yield _message("trouble", {"text": str(error)})
            return
        for event in events:
            seq = event.seq
            yield _told(event)
        if loop.time() >= next_beat:
            next_beat = loop.time() + _BEAT_S
            yield _message("beat", {"now": clock.now().isoformat()})
        if not events:
            await _pause(closing)


async def _pause(closing: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(_LOOK_S):
            await closing.wait()
    except TimeoutError:
        return


def _told(event: Event) -> bytes:
    body = {
        "incident": event.incident,
        "kind": event.kind.value,
        "at": event.at.isoformat(),
        "word": word(event),
        "text": phrase(event),
    }
    return f"id: {event.seq}\n".encode() + _message("told", body)


def _message(name: str, body: dict[str, str]) -> bytes:
    # JSON has no line breaks of its own, so one data line holds it.
    return f"event: {name}\ndata: {json.dumps(body)}\n\n".encode()
