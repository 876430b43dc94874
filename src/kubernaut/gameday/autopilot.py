"""A running Kubernaut, spoken to as its users do: alerts in, incidents out, consent where it asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import httpx2

from kubernaut.domain.errors import KubernautError
from kubernaut.domain.execution import Applied
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import Event, EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Json, JsonObject, Tree
from kubernaut.engine.codec import load

_WEBHOOK = "/api/v1/alerts/alertmanager"
_OK = 300
_READ_ONLY = frozenset({"collect_diagnostics", "escalate"})
_BY = "kubernaut gameday"


class AutopilotLost(KubernautError):
    """The Kubernaut that is being tried does not answer, or not as it should."""

    code = "autopilot_lost"


@dataclass(frozen=True, slots=True)
class Account:
    """What Kubernaut says that it did in a namespace; `strategies` are those whose steps it took."""

    incidents: Sequence[Incident]
    writes: int
    causes: tuple[str, ...] = ()
    strategies: tuple[str, ...] = ()

    @property
    def is_closed(self) -> bool:
        """Whether there was something, and all of it has ended."""
        return bool(self.incidents) and not any(one.is_open for one in self.incidents)

    def ended_as(self, *endings: Ending) -> bool:
        """Whether some incident ended so."""
        return any(one.ending in endings for one in self.incidents)


@dataclass(frozen=True, slots=True)
class Autopilot:
    """Calls to one service."""

    http: httpx2.AsyncClient

    async def incidents(self, namespace: str) -> list[Incident]:
        """The incidents of a namespace, newest first."""
        body = await self._call("GET", f"/api/v1/incidents?namespace={quote(namespace)}&limit=200")
        items = body.get("incidents") if isinstance(body, dict) else None
        return [load(Incident, item) for item in items] if isinstance(items, list) else []

    async def account(self, namespace: str) -> Account:
        """All that was done there, in its own words."""
        incidents = await self.incidents(namespace)
        writes, causes, strategies = 0, [], []
        for incident in incidents:
            for event in await self._events(incident.id):
                writes += _is_write(event)
                if event.kind is EventKind.DIAGNOSED:
                    named = Tree(event.body).trees("diagnosis", "hypotheses")
                    causes += [one.text("cause") for one in named[:1]]
                strategy = Tree(event.body).text("strategy") if event.kind is EventKind.VERIFIED else ""
                strategies += [strategy] if strategy else []
        return Account(incidents, writes, tuple(dict.fromkeys(causes)), tuple(dict.fromkeys(strategies)))

    async def consent(self, incidents: Sequence[Incident]) -> None:
        """Says yes wherever it asks."""
        for incident in incidents:
            if incident.is_open and incident.phase.value == "approval":
                body: JsonObject = {"by": _BY, "reason": "a gameday says yes to what is asked"}
                await self._call("POST", f"/api/v1/incidents/{incident.id}/approve", body, refused=True)

    async def tell(self, body: JsonObject) -> None:
        """Sends alerts as Alertmanager does."""
        await self._call("POST", _WEBHOOK, body)

    async def _events(self, incident: str) -> list[Event]:
        items = await self._call("GET", f"/api/v1/incidents/{quote(incident)}/events")
        return [load(Event, item) for item in items] if isinstance(items, list) else []

    async def _call(self, method: str, path: str, body: JsonObject | None = None, *, refused: bool = False) -> Json:
        try:
            answer = await self.http.request(method, path, json=body)
        except httpx2.HTTPError as error:
            raise AutopilotLost(f"{method} {path}: {type(error).__name__}: {error}", help="kubernaut serve") from error
        if answer.status_code >= _OK:
            # An answer to a question that was answered or ran out meanwhile is refused, and that is right.
            if refused and answer.status_code < 500:  # noqa: PLR2004
                return None
            raise AutopilotLost(f"{method} {path}: status {answer.status_code}: {answer.text[:200]}")
        try:
            content: Json = answer.json()
        except ValueError as error:
            raise AutopilotLost(f"{method} {path}: the answer is no JSON: is it Kubernaut?") from error
        return content


def _is_write(event: Event) -> bool:
    body = Tree(event.body)
    if event.kind not in {EventKind.APPLIED, EventKind.UNDONE}:
        return False
    action = body.text("execution", "intent", "preview", "call", "action")
    return body.text("execution", "applied") == Applied.DONE and action not in _READ_ONLY
