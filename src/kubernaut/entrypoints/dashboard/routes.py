"""The addresses: every page, its JSON twin, the stream that keeps pages live, and the forms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from kubernaut.domain.errors import AmbiguousId, InputError, KubernautError, UnknownName
from kubernaut.domain.lifecycle import Phase
from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.dashboard.gate import COOKIE, FormRefused, Gate, check_origin, form_fields
from kubernaut.entrypoints.dashboard.orders import Orders
from kubernaut.entrypoints.dashboard.pages import Pages
from kubernaut.entrypoints.dashboard.parts import DashboardParts
from kubernaut.entrypoints.dashboard.rendering import VISIT, Visit, asset, packed_asset
from kubernaut.entrypoints.dashboard.responses import HEADERS, json_response, packed, page
from kubernaut.entrypoints.dashboard.views import Reader
from kubernaut.ports import IncidentFilter

Answering = Callable[[Request], Awaitable[Response]]
_FOR_EVER = "public, max-age=31536000, immutable"
_THEME = "kubernaut-theme"
_A_YEAR_S = 31_536_000


def dashboard_routes(parts: DashboardParts) -> APIRouter:
    """The routes, to be given to the application as `pages`."""
    reader = Reader(parts.incidents, parts.clock)
    door = _Door(parts, Gate(parts.token, loopback_only=parts.loopback_only))
    pages = Pages(parts, reader)
    orders = Orders(reader, parts.operations, parts.switch)
    routes = APIRouter(include_in_schema=False)
    for path, answer in (
        *pages.sheets(),
        ("/incidents/{incident}/{verb}", orders.question),
        ("/switch/{verb}", orders.switch_question),
    ):
        routes.add_api_route(path, door.guarded(answer), methods=["GET"])
    routes.add_api_route("/incidents/{incident}/{verb}", door.guarded(orders.give), methods=["POST"])
    routes.add_api_route("/switch/{verb}", door.guarded(orders.give_switch), methods=["POST"])
    routes.add_api_route("/theme", door.set_theme, methods=["POST"])
    routes.add_api_route("/login", door.log_in, methods=["POST"])
    routes.add_api_route("/assets/{name}", _asset, methods=["GET"])
    return routes


class _Door:
    """Who comes in, and what every page shows around its content."""

    def __init__(self, parts: DashboardParts, gate: Gate) -> None:
        self._parts = parts
        self._gate = gate

    def guarded(self, answer: Answering) -> Answering:
        """The answer to who may have it; errors of ours become pages that say what still works."""

        async def guarded(request: Request) -> Response:
            VISIT.set(self._bare_visit(request))
            if not self._gate.is_known_host(request):
                return page("trouble.html", 421, text="this address is not ours", help="use 127.0.0.1 or localhost")
            if not self._gate.is_open_to(request):
                return page("login.html", 401, wrong=False)
            try:
                VISIT.set(await self._visit(request))
                found = await answer(request)
            except KubernautError as error:
                found = _told(request, error)
            return packed(request, found) if type(found) is Response else found

        return guarded

    async def set_theme(self, request: Request) -> Response:
        """Keeps the choice of light or dark, and leads back to where it was made."""
        VISIT.set(self._bare_visit(request))
        try:
            check_origin(request)
            fields = await form_fields(request)
        except FormRefused as error:
            return page("trouble.html", 403, text=str(error), help=error.help)
        back = urlsplit(request.headers.get("referer", ""))
        # Only the path: whoever sent the header does not choose the host.
        where = "/" + back.path.lstrip("/\\") + (f"?{back.query}" if back.query else "")
        answer = RedirectResponse(where, 303, headers=HEADERS)
        theme = fields.get("theme", "")
        if theme in {"light", "dark"}:
            answer.set_cookie(_THEME, theme, httponly=True, samesite="lax", max_age=_A_YEAR_S)
        else:
            answer.delete_cookie(_THEME)
        return answer

    async def log_in(self, request: Request) -> Response:
        """Takes the token once, and keeps a cookie that only our own pages send."""
        VISIT.set(self._bare_visit(request))
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

    def _bare_visit(self, request: Request) -> Visit:
        theme = request.cookies.get(_THEME, "")
        return Visit(path=request.url.path, theme=theme if theme in {"light", "dark"} else "")

    async def _visit(self, request: Request) -> Visit:
        parts, bare = self._parts, self._bare_visit(request)
        return Visit(
            path=bare.path,
            theme=bare.theme,
            cluster=parts.cluster,
            simulated=parts.simulated,
            asking=await parts.incidents.count(IncidentFilter(phase=Phase.APPROVAL)),
            suspension=await parts.switch.suspension(),
            # Before the content is read, so that no event falls between both.
            seq=await parts.incidents.last_seq(),
        )


def _told(request: Request, error: KubernautError) -> Response:
    status = _status(error)
    if request.url.path.endswith(".json"):
        body: JsonObject = {"error": {"code": error.code, "message": str(error), "help": error.help}}
        return json_response(body, status)
    return page("trouble.html", status, text=str(error), help=error.help)


async def _asset(request: Request, name: str) -> Response:
    found = asset(name)
    if found is None:
        return Response("no such file", 404, headers=HEADERS)
    content, kind = found
    headers = {**HEADERS, "cache-control": _FOR_EVER, "vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed_asset(name), media_type=kind, headers={**headers, "content-encoding": "gzip"})
    return Response(content, media_type=kind, headers=headers)


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
