"""Pages and their JSON twins, with the headers that all of them have."""

from __future__ import annotations

import gzip
import json

from fastapi import Request
from fastapi.responses import Response

from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.dashboard.rendering import render

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    # Not `no-referrer`: browsers then send forms with the origin `null`, and we look at the origin.
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


_COMPRESSED_FROM = 1024


def page(template: str, status: int = 200, **values: object) -> Response:
    """A page."""
    return Response(render(template, **values), status, media_type="text/html; charset=utf-8", headers=HEADERS)


def packed(request: Request, answer: Response) -> Response:
    """The answer compressed, where that helps and the browser takes it: people open pages on a train at night."""
    body = bytes(answer.body)
    if len(body) >= _COMPRESSED_FROM and "gzip" in request.headers.get("accept-encoding", ""):
        answer.body = gzip.compress(body, compresslevel=5)
        answer.headers["content-length"] = str(len(answer.body))
        answer.headers["content-encoding"] = "gzip"
    answer.headers["vary"] = "accept-encoding, cookie"
    return answer


def json_response(body: JsonObject, status: int = 200) -> Response:
    """A page's JSON twin."""
    return Response(json.dumps(body), status, media_type="application/json", headers=HEADERS)
