"""The service's HTTP API, as the command line uses it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import httpx2

from kubernaut.domain.errors import KubernautError, UnknownName, WrongValue
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event
from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.engine.codec import load
from kubernaut.settings import load_settings
from kubernaut.settings.section import is_address

_TIMEOUT_S = 20.0
_NOT_FOUND = 404
_UNAUTHORIZED = frozenset({401, 403})
_OK = 300
_EVENTS_A_PAGE = 500


class ServiceUnreachable(KubernautError):
    """Nothing answers at the address of the service."""

    code = "service_unreachable"


class ServiceRefused(KubernautError):
    """The service answered with an error."""

    code = "service_refused"


@dataclass(frozen=True, slots=True)
class Service:
    """Calls to one service."""

    http: httpx2.Client
    address: str

    def incident(self, start: str) -> Incident:
        """The incident whose id starts so, or whose page has this address."""
        wanted = start.rstrip("/").rpartition("/")[2]
        return load(Incident, self._call("GET", f"incidents/{_part(wanted)}"))

    def incidents(self, query: Mapping[str, str]) -> tuple[list[Incident], int]:
        """The page of incidents that match, and how many match in all."""
        body = self._object("GET", "incidents", query=query)
        items = body.get("incidents")
        found = [load(Incident, item) for item in items] if isinstance(items, list) else []
        return found, Tree(body).integer("total", default=len(found))

    def events(self, incident: str) -> list[Event]:
        """All events of the incident."""
        found: list[Event] = []
        while True:
            query = {"after": str(found[-1].seq if found else 0), "limit": str(_EVENTS_A_PAGE)}
            items = self._call("GET", f"incidents/{_part(incident)}/events", query=query)
            page = [load(Event, item) for item in items] if isinstance(items, list) else []
            found += page
            if len(page) < _EVENTS_A_PAGE:
                return found

    def value(self, since: str, until: str, report: str = "value") -> JsonObject:
        """The value report of the period, or the one on proposals (`value/shadow`)."""
        query = {"since": since, "until": until} if until else {"since": since}
        return self._object("GET", report, query=query)

    def post(self, path: str, body: JsonObject) -> JsonObject:
        """What the service answered to a decision."""
        return self._object("POST", path, body=body)

    def decide(self, incident: str, verb: str, body: JsonObject) -> JsonObject:
        """Approve, reject or undo."""
        return self.post(f"incidents/{_part(incident)}/{verb}", body)

    def _object(
        self, method: str, path: str, *, body: JsonObject | None = None, query: Mapping[str, str] | None = None
    ) -> JsonObject:
        content = self._call(method, path, body=body, query=query)
        return content if isinstance(content, dict) else {}

    def _call(
        self, method: str, path: str, *, body: JsonObject | None = None, query: Mapping[str, str] | None = None
    ) -> Json:
        try:
            answer = self.http.request(method, f"/api/v1/{path}", json=body, params=query)
        except httpx2.TransportError as error:
            reason = "nothing listens there" if isinstance(error, httpx2.ConnectError) else str(error)
            raise ServiceUnreachable(
                f"no service at {self.address}: {reason}",
                help="kubernaut serve\nkubernaut incidents list --server URL    where it runs elsewhere",
            ) from error
        if answer.status_code >= _OK:
            raise _refusal(answer, self.address)
        try:
            content: Json = answer.json()
        except ValueError as error:
            raise ServiceRefused(f"{self.address} answered with something that is no JSON: is it Kubernaut?") from error
        return content


def _part(text: str) -> str:
    if not text:
        raise WrongValue("an id", text, "give the id of an incident, or the start of it")
    return quote(text, safe="")


def _refusal(answer: httpx2.Response, address: str) -> KubernautError:
    try:
        content = answer.json()
    except ValueError:
        content = {}
    problem = Tree(content if isinstance(content, dict) else {})
    detail = problem.text("detail") or problem.text("title") or f"status {answer.status_code}"
    hint = problem.text("help")
    if answer.status_code in _UNAUTHORIZED:
        return ServiceRefused(f"{address}: {detail}", help=hint or "set KUBERNAUT_HTTP__TOKEN_FILE to the token's file")
    if answer.status_code == _NOT_FOUND:
        return UnknownName(detail, help=hint or "kubernaut incidents list")
    return ServiceRefused(detail, help=hint)


@contextmanager
def connect(server: str | None) -> Iterator[Service]:
    """The service at the given address, or at the one of the settings, with the token of the settings."""
    settings = load_settings()
    host = settings.http.host if settings.http.host not in {"0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104  # compared
    address = (server or f"http://{host}:{settings.http.port}").rstrip("/")
    if not (address.isprintable() and is_address(address)):
        raise WrongValue("--server", address, "an address is such as http://127.0.0.1:8080")
    token = settings.bearer_token()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx2.Client(base_url=address, headers=headers, timeout=_TIMEOUT_S, trust_env=False) as http:
        yield Service(http, address)
