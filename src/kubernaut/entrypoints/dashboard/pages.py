"""Each page: what it reads, the template that shows it, and the same for scripts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from kubernaut.domain.errors import InputError
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine.codec import dump
from kubernaut.entrypoints.dashboard.approvals import Approvals, read_approvals
from kubernaut.entrypoints.dashboard.health import Health, HealthReader
from kubernaut.entrypoints.dashboard.models import Models, read_models
from kubernaut.entrypoints.dashboard.parts import DashboardParts
from kubernaut.entrypoints.dashboard.patterns import Patterns, read_patterns
from kubernaut.entrypoints.dashboard.rendering import VISIT
from kubernaut.entrypoints.dashboard.responses import HEADERS, json_response, page
from kubernaut.entrypoints.dashboard.searching import search_of
from kubernaut.entrypoints.dashboard.settings import InForce, read_settings
from kubernaut.entrypoints.dashboard.strategies import Strategies, Tries, read_strategies, read_tries
from kubernaut.entrypoints.dashboard.stream import event_stream
from kubernaut.entrypoints.dashboard.value import PERIODS, Worth
from kubernaut.entrypoints.dashboard.views import (
    Listed,
    Live,
    Reader,
    listed_json,
    live_json,
    row_json,
    story_json,
)
from kubernaut.entrypoints.http.health import Readiness
from kubernaut.entrypoints.story import Story

Answering = Callable[[Request], Awaitable[Response]]
_MOST_STREAMS = 100


@dataclass(frozen=True, slots=True)
class Counted:
    """The value page: `worth` is None while its figures are counted for the first time."""

    period: str
    worth: Worth | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page: what is read for it, and its template."""

    path: str
    template: str
    read: Callable[[Request], Awaitable[object]]


class Pages:
    """All pages but the forms."""

    def __init__(self, parts: DashboardParts, reader: Reader) -> None:
        self._parts = parts
        self._reader = reader
        self._streams = 0
        self._health = HealthReader(
            parts.health,
            Readiness(parts.health.checks),
            Readiness(parts.health.limits),
            parts.incidents,
            parts.switch,
            parts.clock,
        )

    def sheets(self) -> list[tuple[str, Answering]]:
        """Path and answer of each, twins before pages, so that no page takes `.json` for a name."""
        sheets = (
            Sheet("/", "live.html", self.live),
            Sheet("/incidents", "incidents.html", self.listed),
            Sheet("/incidents/{incident}", "incident.html", self.story),
            Sheet("/incidents/{incident}/events", "events.html", self.story),
            Sheet("/approvals", "approvals.html", self.approvals),
            Sheet("/value", "value.html", self.value),
            Sheet("/strategies", "strategies.html", self.strategies),
            Sheet("/strategies/{cause}/{action}", "tries.html", self.tries),
            Sheet("/models", "models.html", self.models),
            Sheet("/patterns", "patterns.html", self.patterns),
            Sheet("/health", "health.html", self.health),
            Sheet("/settings", "settings.html", self.settings),
        )
        twins = [(f"{sheet.path}.json" if sheet.path != "/" else "/live.json", _twin(sheet)) for sheet in sheets]
        return [("/events", self.events), *twins, *((sheet.path, self._shown(sheet)) for sheet in sheets)]

    def _shown(self, sheet: Sheet) -> Answering:
        async def answer(request: Request) -> Response:
            view = await sheet.read(request)
            parts = self._parts
            return page(
                sheet.template,
                view=view,
                now=parts.clock.now(),
                approval=parts.approval,
                webhook=f"{request.base_url}api/v1/alerts/alertmanager",
            )

        return answer

    async def live(self, request: Request) -> Live:
        """What goes on."""
        return await self._reader.live(search_of(request.query_params))

    async def listed(self, request: Request) -> Listed:
        """One page of the list."""
        return await self._reader.listed(search_of(request.query_params))

    async def story(self, request: Request) -> Story:
        """One incident."""
        return await self._reader.story(request.path_params["incident"])

    async def approvals(self, _request: Request) -> Approvals:
        """What waits for consent."""
        return await read_approvals(self._parts.incidents, self._parts.clock, self._parts.approval)

    async def value(self, request: Request) -> Counted:
        """What it was worth in the period."""
        period = request.query_params.get("since", "30d")
        if period not in PERIODS:
            raise InputError(f"no period {period[:20]}", help=f"one of {', '.join(PERIODS)}")
        return Counted(period, self._parts.books.appraisal.of(period))

    async def strategies(self, _request: Request) -> Strategies:
        """What works."""
        self._parts.books.tally.ask()
        return read_strategies(self._parts.books.tally, self._parts.clock)

    async def tries(self, request: Request) -> Tries:
        """The attempts behind one strategy."""
        self._parts.books.tally.ask()
        names = request.path_params
        return read_tries(self._parts.books.tally, self._parts.clock, names["cause"], names["action"])

    async def models(self, _request: Request) -> Models:
        """Who was asked, and how it went."""
        parts = self._parts
        parts.books.tally.ask()
        return read_models(parts.books.tally, parts.health.settings, parts.health.metrics)

    async def patterns(self, request: Request) -> Patterns:
        """What is remembered and like it."""
        query = request.query_params
        return await read_patterns(
            self._parts.memory, self._parts.incidents, typed=query.get("q", ""), like=query.get("like", "")[:80]
        )

    async def health(self, _request: Request) -> Health:
        """How Kubernaut itself is."""
        return await self._health.read()

    async def settings(self, request: Request) -> InForce:
        """What is in force."""
        sources = self._parts.health
        only = request.query_params.get("show") == "changed"
        return read_settings(sources.settings, source=sources.source, only_changed=only)

    async def events(self, request: Request) -> Response:
        """The stream of what happens, of one incident or of all."""
        if self._streams >= _MOST_STREAMS:
            return Response("too many open pages", 503, headers={**HEADERS, "retry-after": "10"})
        after = request.headers.get("last-event-id") or request.query_params.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 19):  # noqa: PLR2004  # fits 64 bits
            raise InputError("the number of the last event is a whole number")
        incident = request.query_params.get("incident", "")[:80]
        stream = self._counted(int(after), IncidentId(incident) if incident else None)
        return StreamingResponse(stream, media_type="text/event-stream", headers=HEADERS)

    async def _counted(self, after: int, incident: IncidentId | None) -> AsyncIterator[bytes]:
        self._streams += 1
        try:
            parts = self._parts
            async for message in event_stream(
                parts.incidents, parts.clock, after=after, closing=parts.closing, incident=incident
            ):
                yield message
        finally:
            self._streams -= 1


def _twin(sheet: Sheet) -> Answering:
    async def answer(request: Request) -> Response:
        return json_response(_as_json(await sheet.read(request)))

    return answer


def _as_json(view: object) -> JsonObject:
    match view:
        case Live():
            return live_json(view, VISIT.get())
        case Listed():
            return listed_json(view)
        case Story():
            return story_json(view)
        case Approvals():
            waiting: list[Json] = [
                {**row_json(one.story), "expires_at": one.expires_at.isoformat()} for one in view.waiting
            ]
            return {"now": view.now.isoformat(), "total": view.total, "waiting": waiting}
        case _:
            body = dump(view)
            return body if isinstance(body, Mapping) else {"value": body}
