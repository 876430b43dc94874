"""The way in for alerts, past the framework, since every alert of a storm comes through here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TypeAlias

import structlog
from starlette.types import Receive

from kubernaut.domain.errors import KubernautError, StoreError
from kubernaut.entrypoints.http.bodies import BodyReader
from kubernaut.entrypoints.http.problems import Problem, RequestRefused, not_stored, problem_of
from kubernaut.entrypoints.http.replies import Headers, Reply
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

    async def answer(self, method: str, headers: Headers, receive: Receive) -> Reply:
        """The answer to one request."""
        began = perf_counter()
        try:
            _check_method(method)
            body = await self._bodies.read_json(headers, receive)
            batch = self._parse(body) if len(body) <= _PARSED_IN_PLACE else await asyncio.to_thread(self._parse, body)
            # The promise stands on this line: what comes back after it is on the disk, and nothing is answered before
            # it.
            await self._inbox.signals.accept(batch.signals)
        except StoreError as error:
            # 503, so that Alertmanager sends the same group again: it takes 5xx alone for recoverable.
            return self._refused(not_stored(error))
        except KubernautError as error:
            return self._refused(problem_of(error))
        # Only a wake-up: should it get lost, the inbox is looked at again within a second.
        self._inbox.on_accepted()
        self._count(batch)
        self._inbox.meter.observe("intake_seconds", perf_counter() - began, source=self._source)
        return _accepted(batch)

    def _count(self, batch: Batch) -> None:
        for signal in batch.signals:
            state = "firing" if signal.firing else "resolved"
            self._inbox.meter.count("signals_accepted", source=self._source, state=state)
        if batch.left_out:
            log.warning("sender left alerts out", source=self._source, left_out=batch.left_out, help="max_alerts: 0")

    def _refused(self, problem: Problem) -> Reply:
        self._inbox.meter.count("intake_refused", source=self._source, status=str(problem.status))
        log.info("intake refused", source=self._source, status=problem.status, detail=problem.detail)
        return problem.reply()


def _check_method(method: str) -> None:
    if method != "POST":
        detail = f"{method} is not taken here"
        raise RequestRefused(Problem(405, "wrong_method", detail, help="send POST", headers={"allow": "POST"}))


def _accepted(batch: Batch) -> Reply:
    left_out = b',"left_out":%d' % batch.left_out if batch.left_out else b""
    return Reply(202, b'{"accepted":%d%b}' % (len(batch.signals), left_out))
