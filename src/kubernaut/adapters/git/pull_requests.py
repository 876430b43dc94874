"""Pull requests by the API of GitHub, Gitea and GitLab: opened once, found again, closed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote, urlsplit

import httpx2

from kubernaut.domain.errors import SourceError, SourceUnavailable
from kubernaut.domain.objects import Json, JsonObject, Tree

_LARGEST: Final = 4 * 2**20
_TIMEOUT_S: Final = 15.0
# GitHub answers 422, Gitea and GitLab 409, for a second request of the same branch.
_THERE_ALREADY: Final = frozenset({409, 422})


@dataclass(frozen=True, slots=True)
class Wire:
    """How one service calls things. `opened` are the fields of a new request by what they hold."""

    path: str
    header: str
    scheme: str
    opened: Mapping[str, str]
    number: str
    address: str
    close: tuple[str, str, str]
    wanted: str


_PULLS: Final = {"title": "title", "branch": "head", "base": "base", "body": "body"}
_MERGES: Final = {"title": "title", "branch": "source_branch", "base": "target_branch", "body": "description"}
WIRES: Final[Mapping[str, Wire]] = {
    "github": Wire(
        "/repos/{project}/pulls", "Authorization", "Bearer ", _PULLS, "number", "html_url",
        ("PATCH", "state", "closed"), "?state=open&head={owner}:{branch}",
    ),
    "gitea": Wire(
        "/api/v1/repos/{project}/pulls", "Authorization", "token ", _PULLS, "number", "html_url",
        ("PATCH", "state", "closed"), "?state=open&limit=50",
    ),
    "gitlab": Wire(
        "/api/v4/projects/{encoded}/merge_requests", "PRIVATE-TOKEN", "", _MERGES, "iid", "web_url",
        ("PUT", "state_event", "close"), "?state=opened&source_branch={branch}",
    ),
}  # fmt: skip


class PullRequests:
    """The pull requests of one project, `OWNER/NAME`."""

    def __init__(self, provider: Literal["github", "gitlab", "gitea"], api: str, project: str, token: str) -> None:
        self._wire = WIRES[provider]
        self._project = project
        owner = project.partition("/")[0]
        self._names = {"project": quote(project), "encoded": quote(project, safe=""), "owner": quote(owner)}
        self._client = httpx2.AsyncClient(
            base_url=api.rstrip("/"),
            timeout=_TIMEOUT_S,
            # A redirect would carry the token to an address that nobody declared.
            follow_redirects=False,
            headers={self._wire.header: f"{self._wire.scheme}{token}", "Accept": "application/json"},
        )
        self._place = f"{provider} {urlsplit(api).hostname or ''}"

    async def aclose(self) -> None:
        """Gives the connections back."""
        await self._client.aclose()

    async def open(self, branch: str, base: str, title: str, body: str) -> tuple[str, int]:
        """Address and number of the pull request, opened now or found open."""
        known = await self._find(branch)
        if known is not None:
            return known
        told = {"title": title, "branch": branch, "base": base, "body": body}
        asked: JsonObject = {name: told[meaning] for meaning, name in self._wire.opened.items()}
        status, answer = await self._call("POST", self._path, asked)
        if status in _THERE_ALREADY:
            # Somebody was faster, or an answer was lost.
            known = await self._find(branch)
            if known is not None:
                return known
        return self._read(self._accepted(status, answer, "opening"))

    async def close(self, number: int) -> None:
        """Closes it; one that is closed or merged already stays so."""
        method, name, word = self._wire.close
        status, answer = await self._call(method, f"{self._path}/{number}", {name: word})
        if status not in _THERE_ALREADY:
            self._accepted(status, answer, "closing")

    async def _find(self, branch: str) -> tuple[str, int] | None:
        query = self._wire.wanted.format(branch=quote(branch, safe=""), **self._names)
        status, answer = await self._call("GET", self._path + query, None)
        listed = self._accepted(status, answer, "listing")
        # Compared once more here, since Gitea's list knows no filter by branch.
        for each in listed if isinstance(listed, list) else []:
            if isinstance(each, dict) and self._branch_of(Tree(each)) == branch:
                return self._read(each)
        return None

    def _branch_of(self, request: Tree) -> str:
        return request.text("source_branch") or request.text("head", "ref")

    @property
    def _path(self) -> str:
        return self._wire.path.format(**self._names)

    def _read(self, answer: Json) -> tuple[str, int]:
        request = Tree(answer if isinstance(answer, dict) else {})
        number, address = request.integer(self._wire.number), request.text(self._wire.address)
        # The address is shown as a link, so it has to be one of a page and not of a script.
        if not number or urlsplit(address).scheme not in {"http", "https"}:
            raise SourceError(f"{self._place}: the answer names no pull request")
        return address[:500], number

    def _accepted(self, status: int, answer: Json, what: str) -> Json:
        if status == 429 or status >= 500:  # noqa: PLR2004
            raise SourceUnavailable(f"{self._place}: HTTP {status} while {what} a pull request")
        if not 200 <= status < 300:  # noqa: PLR2004
            said = Tree(answer if isinstance(answer, dict) else {}).text("message")[:200]
            raise SourceError(f"{self._place}: HTTP {status} while {what} a pull request {said}".rstrip())
        return answer

    async def _call(self, method: str, path: str, body: JsonObject | None) -> tuple[int, Json]:
        try:
            async with self._client.stream(method, path, json=body) as response:
                content = b""
                async for part in response.aiter_bytes():
                    content += part
                    if len(content) > _LARGEST:
                        raise SourceError(f"{self._place}: more than {_LARGEST // 2**20} MiB")
                status = response.status_code
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise SourceUnavailable(f"{self._place}: {type(error).__name__}") from error
        try:
            return status, json.loads(content) if content else None
        except (ValueError, RecursionError):
            return status, None
