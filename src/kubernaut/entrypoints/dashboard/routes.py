"""The pages: `/`, `/incidents`, one page an incident, a JSON twin of each, and the stream that keeps them live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from kubernaut.domain.errors import AmbiguousId, InputError, KubernautError, UnknownName
from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.dashboard.gate import COOKIE, FormRefused, Gate, check_origin, form_fields
from kubernaut.entrypoints.dashboard.orders import Orders
from kubernaut.entrypoints.dashboard.rendering import asset
from kubernaut.entrypoints.dashboard.responses import HEADERS, json_response, page
from kubernaut.entrypoints.dashboard.stream import event_stream
from kubernaut.entrypoints.dashboard.views import Reader, listed_json, live_json, story_json, version_of
from kubernaut.entrypoints.http.operations import Operations
from kubernaut.ports import Clock, IncidentStore, Switch

Answering = Callable[[Request], Awaitable[Response]]
_FOR_EVER = "public, max-age=31536000, immutable"
_MOST_STREAMS = 100


@dataclass(frozen=True, slots=True)
class DashboardParts:
    """What the pages need. `approval` is how long a request for consent waits; `simulated` puts that word on figures.

    `closing` ends open streams, which a server would otherwise wait for.
    """

    incidents: IncidentStore
    switch: Switch
    operations: Operations
    clock: Clock
    cluster: str
    approval: timedelta
    token: str | None = None
    loopback_only: bool = False
    simulated: bool = False
    closing: asyncio.Event = field(default_factory=asyncio.Event)


def dashboard_routes(parts: DashboardParts) -> APIRouter:
    """The routes, to be given to the application as `pages`."""
    reader = Reader(parts.incidents, parts.switch, parts.clock)
    pages = _Pages(parts, reader, Gate(parts.token, loopback_only=parts.loopback_only))
    orders = Orders(reader, parts.operations)
    routes = APIRouter(include_in_schema=False)
    for path, answer in (
        ("/", pages.live),
        ("/live.json", pages.live_json),
        ("/incidents", pages.listed),
        ("/incidents.json", pages.listed_json),
        ("/incidents/{incident}.json", pages.story_json),
        ("/incidents/{incident}", pages.story),
        ("/events", pages.events),
        ("/incidents/{incident}/{verb}", orders.question),
        ("/switch/{verb}", orders.switch_question),
    ):
        routes.add_api_route(path, pages.guarded(answer), methods=["GET"])
    routes.add_api_route("/incidents/{incident}/{verb}", pages.guarded(orders.give), methods=["POST"])
    routes.add_api_route("/switch/{verb}", pages.guarded(orders.give_switch), methods=["POST"])
    routes.add_api_route("/login", pages.log_in, methods=["POST"])
    routes.add_api_route("/assets/{name}", _asset, methods=["GET"])
    return routes


class _Pages:
    def __init__(self, parts: DashboardParts, reader: Reader, gate: Gate) -> None:
        self._parts = parts
        self._reader = reader
        self._gate = gate
        self._streams = 0

    def guarded(self, answer: Answering) -> Answering:
        """The answer to who may have it; errors of ours become pages that say what still works."""

        async def guarded(request: Request) -> Response:
            if not self._gate.is_known_host(request):
                return page("trouble.html", 421, text="this address is not ours", help="use 127.0.0.1 or localhost")
            if not self._gate.is_open_to(request):
                return page("login.html", 401, wrong=False)
            try:
                return await answer(request)
            except KubernautError as error:
                status = _status(error)
                if request.url.path.endswith(".json"):
                    body: JsonObject = {"error": {"code": error.code, "message": str(error), "help": error.help}}
                    return json_response(body, status)
                return page("trouble.html", status, text=str(error), help=error.help)

        return guarded

    async def live(self, request: Request) -> Response:
        typed, offset = _typed(request)
        live = await self._reader.live(typed, offset)
        parts = self._parts
        return page(
            "live.html",
            live=live,
            cluster=parts.cluster,
            approval=parts.approval,
            simulated=parts.simulated,
            webhook=f"{request.base_url}api/v1/alerts/alertmanager",
        )

    async def live_json(self, request: Request) -> Response:
        return json_response(live_json(await self._reader.live(*_typed(request))))

    async def listed(self, request: Request) -> Response:
        listed = await self._reader.listed(*_typed(request))
        return page("incidents.html", listed=listed, now=self._parts.clock.now(), cluster=self._parts.cluster)

    async def listed_json(self, request: Request) -> Response:
        return json_response(listed_json(await self._reader.listed(*_typed(request))))

    async def story(self, request: Request) -> Response:
        story = await self._reader.story(request.path_params["incident"])
        return page(
            "incident.html",
            story=story,
            now=self._parts.clock.now(),
            cluster=self._parts.cluster,
            approval=self._parts.approval,
            version=version_of(story),
        )

    async def story_json(self, request: Request) -> Response:
        return json_response(story_json(await self._reader.story(request.path_params["incident"])))

    async def events(self, request: Request) -> Response:
        if self._streams >= _MOST_STREAMS:
            return Response("too many open pages", 503, headers={**HEADERS, "retry-after": "10"})
        after = request.headers.get("last-event-id") or request.query_params.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 19):  # noqa: PLR2004  # fits 64 bits
            raise InputError("the number of the last event is a whole number")
        return StreamingResponse(self._counted(int(after)), media_type="text/event-stream", headers=HEADERS)

    async def _counted(self, after: int) -> AsyncIterator[bytes]:
        self._streams += 1
        try:
            parts = self._parts
            async for message in event_stream(parts.incidents, parts.clock, after=after, closing=parts.closing):
                yield message
        finally:
            self._streams -= 1

    async def log_in(self, request: Request) -> Response:
        """Takes the token once, and keeps a cookie that only our own pages send."""
        try:
            check_origin(request)
            fields = await form_fields(request)
        except FormRefused as error:
            return page("trouble.html", 403, text=str(error), help=error.help)
        if not self._gate.is_token(fields.get("token", "")):
            return page("login.html", 401, wrong=True)
        answer = RedirectResponse("/", 303, headers=HEADERS)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, self._gate.cookie(), httponly=True, samesite="strict", secure=secure, max_age=43_200)
        return answer


async def _asset(name: str) -> Response:
    found = asset(name)
    if found is None:
        return Response("no such file", 404, headers=HEADERS)
    content, kind = found
    return Response(content, media_type=kind, headers={**HEADERS, "cache-control": _FOR_EVER})


def _typed(request: Request) -> tuple[str, int]:
    offset = request.query_params.get("offset", "0")
    is_number = offset.isascii() and offset.isdigit() and len(offset) < 8  # noqa: PLR2004
    return request.query_params.get("q", ""), int(offset) if is_number else 0


def _status(error: KubernautError) -> int:
    match error:
        case UnknownName():
            return 404
        case AmbiguousId():
            return 409
        case FormRefused():
            return 403
        case InputError():
            return 400
        case _:
            return 503
