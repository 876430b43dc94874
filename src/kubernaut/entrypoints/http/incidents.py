"""Incidents over HTTP: what happened, and what people order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
)

from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.entrypoints.http.operations import Answer, Done, IncidentOrder, Instruction, Operations, Order, Refused
from kubernaut.entrypoints.http.problems import Problem, RequestRefused
from kubernaut.entrypoints.lookup import incident_named
from kubernaut.ports import IncidentFilter, IncidentStore, Suspension, Switch

Text = Annotated[str, Field(max_length=1000)]
# Within what every database can compare.
Moment = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(3000, 1, 1, tzinfo=UTC))]
ShortText = Annotated[str, Field(max_length=100)]
# Strict, so that `true` is no number and "3" stays a text: the catalogue says which of them the parameter takes.
ParameterValue = StrictBool | StrictInt | StrictFloat | Annotated[StrictStr, Field(max_length=1000)]


class InstructionBody(BaseModel):
    """What is sent with an order."""

    model_config = ConfigDict(extra="forbid")

    by: Annotated[str, Field(min_length=1, max_length=200)]
    reason: Text = ""
    choice: Annotated[StrictInt, Field(ge=1, le=20)] | Annotated[str, Field(min_length=1, max_length=100)] = 1
    parameters: Annotated[dict[ShortText, ParameterValue], Field(max_length=20)] = Field(default_factory=dict)


class IncidentQuery(BaseModel):
    """Which incidents to list."""

    model_config = ConfigDict(extra="forbid")

    open_only: bool = False
    ending: Ending | None = None
    namespace: Annotated[str, Field(max_length=253)] = ""
    text: Text = ""
    cause: Annotated[str, Field(max_length=100)] = ""
    alert: Annotated[str, Field(max_length=253)] = ""
    since: Moment | None = None
    guard: Annotated[str, Field(max_length=100)] = ""
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """One page of incidents, and how many match in all."""

    incidents: list[Incident]
    total: int


@dataclass(frozen=True, slots=True)
class EventView:
    """An event as it is shown."""

    seq: int
    incident: str
    key: str
    kind: EventKind
    at: datetime
    body: dict[str, JsonValue]


def incident_routes(incidents: IncidentStore, operations: Operations) -> APIRouter:
    """`/incidents` and what is below it."""
    routes = APIRouter(prefix="/incidents", tags=["incidents"])

    @routes.get("", summary="Incidents, newest first")
    async def find(query: Annotated[IncidentQuery, Query()]) -> IncidentPage:
        wanted = IncidentFilter(**dict(query))
        return IncidentPage(await incidents.find(wanted), await incidents.count(wanted))

    @routes.get("/{incident}", summary="One incident, by its id or the start of it")
    async def get(incident: str) -> Incident:
        return await incident_named(incidents, incident)

    @routes.get("/{incident}/events", summary="What happened to it, in order")
    async def events(
        incident: str,
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    ) -> list[EventView]:
        known = await incident_named(incidents, incident)
        told = await incidents.events(known.id, after=after, limit=limit)
        return [EventView(e.seq, e.incident, e.key, e.kind, e.at, dict(e.body)) for e in told]

    orders: dict[str, IncidentOrder] = {
        "approve": operations.approve,
        "reject": operations.reject,
        "undo": operations.undo,
    }
    for name, order in orders.items():
        _add_incident_order(routes, name, order, incidents)
    return routes


def switch_routes(switch: Switch, operations: Operations) -> APIRouter:
    """The kill switch: `/suspension`, `/suspend`, `/resume`."""
    routes = APIRouter(tags=["switch"])

    @routes.get("/suspension", summary="The suspension in force, null without one")
    async def suspension() -> Suspension | None:
        return await switch.suspension()

    _add_order(routes, "suspend", operations.suspend)
    _add_order(routes, "resume", operations.resume)
    return routes


def _add_incident_order(routes: APIRouter, name: str, order: IncidentOrder, incidents: IncidentStore) -> None:
    @routes.post(f"/{{incident}}/{name}", name=name, summary=f"{name.capitalize()} what it waits for or did")
    async def endpoint(incident: str, body: InstructionBody) -> Done:
        known = await incident_named(incidents, incident)
        return _taken(await order(known.id, Instruction(**dict(body))))


def _add_order(routes: APIRouter, name: str, order: Order) -> None:
    @routes.post(f"/{name}", name=name, summary=f"{name.capitalize()} all actions")
    async def endpoint(body: InstructionBody) -> Done:
        return _taken(await order(Instruction(**dict(body))))


def _taken(answer: Answer) -> Done:
    match answer:
        case Done():
            return answer
        case Refused(reason, help):
            raise RequestRefused(Problem(409, "refused", reason, help))
