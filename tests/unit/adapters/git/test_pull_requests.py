"""Pull requests by the wire formats of the three services, spoken by a stand-in on the loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from kubernaut.adapters.git.pull_requests import PullRequests
from kubernaut.domain.errors import SourceError, SourceUnavailable

BRANCH = "kubernaut/inc-1"
PATHS = {
    "github": "/repos/shop/deploy/pulls",
    "gitea": "/api/v1/repos/shop/deploy/pulls",
    "gitlab": "/api/v4/projects/shop%2Fdeploy/merge_requests",
}
HEADERS = {
    "github": ("Authorization", "Bearer t"),
    "gitea": ("Authorization", "token t"),
    "gitlab": ("PRIVATE-TOKEN", "t"),
}


class Forge(ThreadingHTTPServer):
    """Keeps pull requests as the service of that name does; `fails` is answered instead, once each."""

    daemon_threads = True

    def __init__(self, provider: str) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.provider = provider
        self.kept: list[dict[str, Any]] = []
        self.fails: list[tuple[int, bytes]] = []
        self.hides_once = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def made(self, body: dict[str, Any]) -> dict[str, Any]:
        number = len(self.kept) + 7
        address = f"https://forge.example/{number}"
        if self.provider == "gitlab":
            return {**body, "iid": number, "id": 900, "web_url": address, "state": "opened"}
        return {**body, "number": number, "html_url": address, "state": "open", "head": {"ref": body["head"]}}


class _Requests(BaseHTTPRequestHandler):
    server: Forge

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        open_ones = [each for each in self.server.kept if each["state"].startswith("open")]
        if self.server.provider == "gitlab":
            open_ones = [each for each in open_ones if each["source_branch"] in query["source_branch"]]
        elif self.server.provider == "github":
            open_ones = [each for each in open_ones if f"shop:{each['head']['ref']}" in query["head"]]
        if self.server.hides_once:
            self.server.hides_once, open_ones = False, []
        self._answer(200, open_ones)

    def do_POST(self) -> None:
        body = self._body()
        branch = body.get("head") or body.get("source_branch")
        if any(branch in {each.get("source_branch"), (each.get("head") or {}).get("ref")} for each in self.server.kept):
            status = 422 if self.server.provider == "github" else 409
            self._answer(status, {"message": "there is one already"})
            return
        self.server.kept.append(self.server.made(body))
        self._answer(201, self.server.kept[-1])

    def do_PATCH(self) -> None:
        body = self._body()
        [found] = [each for each in self.server.kept if self.path.endswith(f"/{each.get('number') or each.get('iid')}")]
        found["state"] = "closed" if body in ({"state": "closed"}, {"state_event": "close"}) else "?"
        self._answer(200, found)

    def do_PUT(self) -> None:
        self.do_PATCH()

    def _body(self) -> dict[str, Any]:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))  # type: ignore[no-any-return]

    def _answer(self, status: int, body: object) -> None:
        name, value = HEADERS[self.server.provider]
        if self.server.fails:
            status, content = self.server.fails.pop(0)
        elif self.headers[name] != value:
            status, content = 401, b"{}"
        elif not self.path.startswith(PATHS[self.server.provider]):
            status, content = 404, unquote(self.path).encode()
        else:
            content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture(params=PATHS)
def forge(request: pytest.FixtureRequest) -> Iterator[Forge]:
    with Forge(request.param) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def pulls(forge: Forge, *, known: bool = True) -> PullRequests:
    return PullRequests(forge.provider, forge.url, "shop/deploy", "t" if known else "wrong")  # type: ignore[arg-type]


async def test_a_pull_request_is_opened_once_found_again_and_closed(forge: Forge) -> None:
    client = pulls(forge)
    opened = await client.open(BRANCH, "main", "raise it", "Because.")
    assert opened == ("https://forge.example/7", 7)
    assert await client.open(BRANCH, "main", "raise it", "Because.") == opened
    [kept] = forge.kept
    assert {"raise it", "Because.", "main"} <= {value for value in kept.values() if isinstance(value, str)}
    await client.close(7)
    assert kept["state"] == "closed"
    await client.aclose()


async def test_one_that_another_replica_opened_meanwhile_is_taken(forge: Forge) -> None:
    client = pulls(forge)
    opened = await client.open(BRANCH, "main", "a", "b")
    forge.hides_once = True
    assert await client.open(BRANCH, "main", "a", "b") == opened
    await client.aclose()


async def test_what_the_service_does_not_do_is_said_and_what_may_pass_is_retryable(forge: Forge) -> None:
    client = pulls(forge)
    for status in (429, 503):
        forge.fails = [(status, b"")]
        with pytest.raises(SourceUnavailable, match=f"HTTP {status}"):
            await client.open(BRANCH, "main", "a", "b")
    for answer in (b"[", b'[{"html_url": "javascript:1", "number": 1}]', b"{}"):
        forge.fails = [(200, b"[]"), (201, answer)]
        with pytest.raises(SourceError, match="names no pull request"):
            await client.open(BRANCH, "main", "a", "b")
    await client.aclose()
    stranger = pulls(forge, known=False)
    with pytest.raises(SourceError, match="HTTP 401") as raised:
        await stranger.open(BRANCH, "main", "a", "b")
    assert "wrong" not in str(raised.value)
    await stranger.aclose()
