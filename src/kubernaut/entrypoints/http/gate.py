"""Who may come in."""

from __future__ import annotations

import hashlib
import hmac

from starlette.types import Scope

from kubernaut.entrypoints.http.problems import Problem

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class BearerGate:
    """Lets a request through where its bearer token is the right one, or where none is set."""

    def __init__(self, token: str | None) -> None:
        self._expected = None if token is None else _digest(token.encode())

    def refusal(self, scope: Scope) -> Problem | None:
        """Why the request may not come in; None where it may."""
        authorization = b""
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"sec-fetch-site" and value == b"cross-site" and scope["method"] not in _SAFE_METHODS:
                return Problem(403, "cross_site", "another site's page sent this request; nothing was done")
        return self._wrong_token(authorization)

    def _wrong_token(self, authorization: bytes) -> Problem | None:
        if self._expected is None:
            return None
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() == b"bearer" and hmac.compare_digest(_digest(token.strip()), self._expected):
            return None
        detail = "the bearer token is wrong" if authorization else "a bearer token is needed"
        challenge = 'Bearer realm="kubernaut"' + (', error="invalid_token"' if authorization else "")
        return Problem(
            401,
            "unauthorized",
            detail,
            help="send Authorization: Bearer TOKEN; in Alertmanager: http_config.authorization.credentials_file",
            headers={"www-authenticate": challenge},
        )


def _digest(token: bytes) -> bytes:
    # Of equal length whatever was sent, so that the comparison tells nothing about the token.
    return hashlib.sha256(token).digest()
