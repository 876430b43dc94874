"""The way in for alerts: plain ASGI, since every alert of a storm comes through here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TypeAlias

import structlog
from starlette.types import Receive, Scope, Send

from kubernaut.domain.errors import KubernautError, StoreError
from kubernaut.entrypoints.http.bodies import BodyReader
from kubernaut.entrypoints.http.problems import Problem, RequestRefused, not_stored, problem_of, send_problem
from kubernaut.intake import Batch
from kubernaut.ports import Meter, SignalStore

log = structlog.get_logger(__name__)

Parser: TypeAlias = Callable[[bytes], Batch]

# Below this a body is parsed in less time than it takes to hand it to a thread and back.
_PARSED_IN_PLACE = 256 * 2**10


@dataclass(frozen=True, slots=True)
class Inbox:
    """Where parsed signals go: the store, the counters, and whoever waits for new ones."""

    signals: SignalStore
    meter: Meter
    on_accepted: Callable[[], None]


class IntakeEndpoint:
    """Takes the signals of one source: 202 once they are committed."""

    def __init__(self, source: str, parse: Parser, *, bodies: BodyReader, inbox: Inbox) -> None:
        self._source = source
        self._parse = parse
        self._bodies = bodies
        self._inbox = inbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        began = perf_counter()
        try:
            _check_method(scope)
            batch = await self._stored(await self._bodies.read_json(scope, receive))
        except StoreError as error:
            await self._refuse(send, not_stored(error))
        except KubernautError as error:
            await self._refuse(send, problem_of(error))
        else:
            await _send_accepted(send, batch)
            self._inbox.meter.observe("intake_seconds", perf_counter() - began, source=self._source)

    async def _stored(self, body: bytes) -> Batch:
        batch = self._parse(body) if len(body) <= _PARSED_IN_PLACE else await asyncio.to_thread(self._parse, body)
        await self._inbox.signals.accept(batch.signals)
        self._inbox.on_accepted()
        for signal in batch.signals:
            state = "firing" if signal.firing else "resolved"
            self._inbox.meter.count("signals_accepted", source=self._source, state=state)
        if batch.left_out:
            log.warning("sender left alerts out", source=self._source, left_out=batch.left_out, help="max_alerts: 0")
        return batch

    async def _refuse(self, send: Send, problem: Problem) -> None:
        self._inbox.meter.count("intake_refused", source=self._source, status=str(problem.status))
        log.info("intake refused", source=self._source, status=problem.status, detail=problem.detail)
        await send_problem(send, problem)


def _check_method(scope: Scope) -> None:
    if scope["method"] != "POST":
        detail = f"{scope['method']} is not taken here"
        raise RequestRefused(Problem(405, "wrong_method", detail, help="send POST", headers={"allow": "POST"}))


async def _send_accepted(send: Send, batch: Batch) -> None:
    left_out = b',"left_out":%d' % batch.left_out if batch.left_out else b""
    body = b'{"accepted":%d%b}' % (len(batch.signals), left_out)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": body})
