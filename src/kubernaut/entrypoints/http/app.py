"""The HTTP application: `create_app` puts the gate, the intake and the API together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from kubernaut.domain.errors import KubernautError
from kubernaut.entrypoints.http.bodies import BodyLimits, BodyReader
from kubernaut.entrypoints.http.gate import BearerGate
from kubernaut.entrypoints.http.health import Check, health_routes
from kubernaut.entrypoints.http.incidents import incident_routes, switch_routes
from kubernaut.entrypoints.http.intake import Inbox, IntakeEndpoint
from kubernaut.entrypoints.http.operations import Operations
from kubernaut.entrypoints.http.problems import INTERNAL, MEDIA_TYPE, Problem, problem_of
from kubernaut.entrypoints.http.slack import SLACK_PATH, SlackEndpoint, SlackParts
from kubernaut.entrypoints.http.value import value_routes
from kubernaut.impact.inputs import ValueInputs
from kubernaut.intake import Batch, parse_event, parse_webhook
from kubernaut.ports import Clock, Ids, IncidentStore, Meter, SignalStore, Switch

log = structlog.get_logger(__name__)

API = "/api/v1"
ALERTMANAGER_PATH = f"{API}/alerts/alertmanager"
EVENT_PATH = f"{API}/alerts/kubernetes-event"


Endpoint: TypeAlias = IntakeEndpoint | SlackEndpoint


def _nobody_waits() -> None:
    pass


@dataclass(frozen=True, slots=True)
class HttpParts:
    """All that the application needs from outside.

    `token` guards everything under /api; None leaves it open, with `loopback_only` to loopback names alone.
    `checks` say whether it can work at all, `limits` what it does not do at present though it works.
    `on_accepted` is called after each commit of signals. `pages` are further routes, such as the dashboard's.
    """

    signals: SignalStore
    incidents: IncidentStore
    switch: Switch
    operations: Operations
    clock: Clock
    ids: Ids
    meter: Meter
    metrics: Callable[[], Awaitable[bytes]]
    checks: Mapping[str, Check]
    limits: Mapping[str, Check] = field(default_factory=dict)
    token: str | None = None
    loopback_only: bool = False
    on_accepted: Callable[[], None] = _nobody_waits
    body_limits: BodyLimits = field(default_factory=BodyLimits)
    pages: tuple[APIRouter, ...] = ()
    slack: SlackParts | None = None
    value: ValueInputs = field(default_factory=ValueInputs)


def create_app(parts: HttpParts) -> ASGIApp:
    """The application, ready for a server."""
    return _Front(_api(parts), _intake(parts), BearerGate(parts.token, loopback_only=parts.loopback_only))


class _Front:
    """Lets requests in, takes alerts to the intake past the framework, and is where unforeseen errors end."""

    def __init__(self, api: ASGIApp, intake: Mapping[str, Endpoint], gate: BearerGate) -> None:
        self._api = api
        self._intake = intake
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        path, method, headers = scope["path"], scope["method"], dict(scope["headers"])
        # Slack signs its requests and knows no token of ours.
        # Pages have a gate of their own, with a login; health and metrics are for whoever may reach the port.
        guarded = path.startswith("/api/") and not (path == SLACK_PATH and SLACK_PATH in self._intake)
        refusal = self._gate.refusal(method, headers) if guarded else None
        if refusal is not None:
            log.info("request refused", path=path, status=refusal.status, detail=refusal.detail)
            await refusal.reply().send(send)
            return
        endpoint = self._intake.get(path)
        try:
            if endpoint is None:
                await self._api(scope, receive, send)
                return
            reply = await endpoint.answer(method, headers, receive)
        except Exception:
            log.exception("request failed", path=path)
            if endpoint is None:
                return  # the framework answers before it lets an error through (`_on_unforeseen`)
            reply = INTERNAL.reply()
        await reply.send(send)


def _intake(parts: HttpParts) -> dict[str, Endpoint]:
    bodies = BodyReader(parts.body_limits)
    inbox = Inbox(parts.signals, parts.meter, parts.on_accepted)

    # Unique however many there are, since chance speaks once a process; and in order, which keeps the index of the
    # inbox together.
    process, numbers = parts.ids.new("sig"), count(1)

    def new_id() -> str:
        return f"{process}-{next(numbers):06x}"

    def webhook(body: bytes) -> Batch:
        return parse_webhook(body, received_at=parts.clock.now(), new_id=new_id)

    def event(body: bytes) -> Batch:
        return Batch((parse_event(body, received_at=parts.clock.now(), new_id=new_id),))

    slack: dict[str, Endpoint] = {}
    if parts.slack is not None:
        slack[SLACK_PATH] = SlackEndpoint(parts.slack, parts.operations, parts.incidents, parts.clock, bodies)
    return slack | {
        ALERTMANAGER_PATH: IntakeEndpoint("alertmanager", webhook, bodies=bodies, inbox=inbox),
        EVENT_PATH: IntakeEndpoint("kubernetes-event", event, bodies=bodies, inbox=inbox),
    }


def _api(parts: HttpParts) -> FastAPI:
    # The framework's own pages load scripts from elsewhere; the description of the API is enough.
    api = FastAPI(title="Kubernaut", openapi_url=f"{API}/openapi.json", docs_url=None, redoc_url=None)
    api.include_router(health_routes(parts.checks, parts.metrics, parts.limits))
    api.include_router(incident_routes(parts.incidents, parts.operations), prefix=API)
    api.include_router(switch_routes(parts.switch, parts.operations), prefix=API)
    api.include_router(value_routes(parts.incidents, parts.clock, parts.value), prefix=API)
    for routes in parts.pages:
        api.include_router(routes)
    api.add_exception_handler(KubernautError, _on_own_error)
    api.add_exception_handler(RequestValidationError, _on_invalid_request)
    api.add_exception_handler(HTTPException, _on_http_error)
    api.add_exception_handler(Exception, _on_unforeseen)
    return api


async def _on_own_error(_request: Request, error: Exception) -> Response:
    return _response(problem_of(error) if isinstance(error, KubernautError) else INTERNAL)


async def _on_invalid_request(_request: Request, error: Exception) -> Response:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    detail = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults[:5])
    return _response(Problem(400, "invalid_input", detail, help=f"GET {API}/openapi.json describes what is taken"))


async def _on_http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    detail = f"{request.method} {request.url.path[:200]}"
    return _response(Problem(status, "http", detail, headers=headers))


async def _on_unforeseen(_request: Request, _error: Exception) -> Response:
    return _response(INTERNAL)


def _response(problem: Problem) -> Response:
    return Response(problem.body(), problem.status, headers=dict(problem.headers), media_type=MEDIA_TYPE)
