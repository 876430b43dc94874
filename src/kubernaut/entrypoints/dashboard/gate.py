"""Who may see the pages, and from where a form may come."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request

from kubernaut.domain.errors import InputError
from kubernaut.entrypoints.http.gate import LOOPBACK

COOKIE = "kubernaut"
_LARGEST_FORM = 16 * 2**10
_MOST_FIELDS = 20


class FormRefused(InputError):
    """A form that did not come from our own page."""

    code = "form_refused"


class Gate:
    """Lets in who holds the token, where one is set.

    `loopback_only` takes requests for a loopback name alone, so that another site cannot reach the pages by giving its
    own name the address 127.0.0.1.
    """

    def __init__(self, token: str | None, *, loopback_only: bool) -> None:
        self._token = token
        self._loopback_only = loopback_only

    def is_known_host(self, request: Request) -> bool:
        """Whether the request names a host that is ours."""
        return not self._loopback_only or (request.url.hostname or "") in LOOPBACK

    def is_open_to(self, request: Request) -> bool:
        """Whether the caller may see pages: by the cookie of the login page, or by the bearer token."""
        if self._token is None:
            return True
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(sent.strip()):
            return True
        return hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), self.cookie().encode())

    def is_token(self, sent: str) -> bool:
        """Whether that is the token, compared without telling how much of it is right."""
        expected = hashlib.sha256((self._token or "").encode()).digest()
        return self._token is not None and hmac.compare_digest(hashlib.sha256(sent.encode()).digest(), expected)

    def cookie(self) -> str:
        """What the browser keeps in place of the token."""
        # Derived and not stored: every replica knows it, and a new token ends all sessions. The token itself never lies
        # in a browser.
        return hmac.new((self._token or "").encode(), b"kubernaut pages", hashlib.sha256).hexdigest()


def check_origin(request: Request) -> None:
    """Raises `FormRefused` where another site's page sent the form, or where nothing says who did."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site != "same-origin":
        raise FormRefused("another site's page sent this form; nothing was done")
    # Browsers too old for Sec-Fetch-Site send Origin with a form; who sends neither is no browser and has the API.
    if site is None and (origin is None or urlsplit(origin).netloc != request.headers.get("host")):
        raise FormRefused("this form did not come from our own page; nothing was done", help="scripts use /api/v1")


async def form_fields(request: Request) -> dict[str, str]:
    """The fields of a small form; raises `FormRefused` for anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise FormRefused("this is no form")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_FORM:
            raise FormRefused("the form is too large")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise FormRefused("the form cannot be read") from error
    return {key: value.strip() for key, value in pairs}
