"""Pages and their JSON twins, with the headers that all of them have."""

from __future__ import annotations

import json

from fastapi.responses import Response

from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.dashboard.rendering import render

HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    # Not `no-referrer`: browsers then send forms with the origin `null`, and we look at the origin.
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


def page(template: str, status: int = 200, **values: object) -> Response:
    """A page."""
    return Response(render(template, **values), status, media_type="text/html; charset=utf-8", headers=HEADERS)


def json_response(body: JsonObject, status: int = 200) -> Response:
    """A page's JSON twin."""
    return Response(json.dumps(body), status, media_type="application/json", headers=HEADERS)
