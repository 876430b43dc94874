"""Who may come in."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from urllib.parse import urlsplit

from kubernaut.entrypoints.http.problems import Problem
from kubernaut.entrypoints.http.replies import Headers

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class BearerGate:
    """Lets a request through where its bearer token is the right one, or where none is set.

    Without a token, `loopback_only` takes requests for a loopback name alone: a page of another site, which a browser
    lets talk to its own name, could give that name the address 127.0.0.1.
    """

    def __init__(self, token: str | None, *, loopback_only: bool = False) -> None:
        self._expected = None if token is None else _digest(token.encode())
        self._loopback_only = loopback_only and token is None

    def refusal(self, method: str, headers: Headers) -> Problem | None:
        """Why the request may not come in; None where it may."""
        # Browsers set it and pages cannot: a page elsewhere must not approve in the name of who reads it.
        if headers.get(b"sec-fetch-site") == b"cross-site" and method not in _SAFE_METHODS:
            return Problem(403, "cross_site", "another site's page sent this request; nothing was done")
        if self._loopback_only and not _is_loopback(headers.get(b"host", b"")):
            detail = "this listens on loopback, and the request names another host; nothing was done"
            return Problem(421, "unknown_host", detail, help="use 127.0.0.1 or localhost, or set http.token")
        return self._wrong_token(headers.get(b"authorization", b""))

    def _wrong_token(self, authorization: bytes) -> Problem | None:
        if self._expected is None:
            return None
        scheme, _, token = authorization.partition(b" ")
        # In constant time, or its beginning could be guessed byte by byte.
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


@lru_cache(maxsize=64)
def _is_loopback(host: bytes) -> bool:
    try:
        return urlsplit(f"//{host.decode('latin-1')}").hostname in LOOPBACK
    except ValueError:
        return False  # such as a bracket without its pair


def _digest(token: bytes) -> bytes:
    # Of equal length whatever was sent, so that the comparison tells nothing about the token.
    return hashlib.sha256(token).digest()
