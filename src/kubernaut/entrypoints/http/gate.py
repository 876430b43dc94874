"""Who may come in."""

from __future__ import annotations

import hashlib
import hmac

from kubernaut.entrypoints.http.problems import Problem
from kubernaut.entrypoints.http.replies import Headers

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class BearerGate:
    """Lets a request through where its bearer token is the right one, or where none is set."""

    def __init__(self, token: str | None) -> None:
        self._expected = None if token is None else _digest(token.encode())

    def refusal(self, method: str, headers: Headers) -> Problem | None:
        """Why the request may not come in; None where it may."""
        if headers.get(b"sec-fetch-site") == b"cross-site" and method not in _SAFE_METHODS:
            return Problem(403, "cross_site", "another site's page sent this request; nothing was done")
        return self._wrong_token(headers.get(b"authorization", b""))

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
