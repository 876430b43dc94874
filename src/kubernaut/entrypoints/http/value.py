"""The value report over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from kubernaut.engine.codec import dump
from kubernaut.entrypoints.value.gathering import gather_shadow, gather_value, period_of
from kubernaut.impact.inputs import ValueInputs
from kubernaut.ports import Clock, IncidentStore

_LONGEST = 40


def value_routes(incidents: IncidentStore, clock: Clock, inputs: ValueInputs) -> APIRouter:
    """`/value`."""
    routes = APIRouter(tags=["value"])

    @routes.get("/value", summary="What it was worth over a period: `since` is 30d, 12h, 4w or a date")
    async def value(
        since: Annotated[str, Query(max_length=_LONGEST)] = "30d",
        until: Annotated[str, Query(max_length=_LONGEST)] = "",
    ) -> dict[str, object]:
        period = period_of(since, until, now=clock.now())
        document = dump(await gather_value(incidents, period, inputs))
        return dict(document) if isinstance(document, dict) else {}

    @routes.get("/value/shadow", summary="What proposals that nobody acted on would have been worth over a period")
    async def shadow(
        since: Annotated[str, Query(max_length=_LONGEST)] = "30d",
        until: Annotated[str, Query(max_length=_LONGEST)] = "",
    ) -> dict[str, object]:
        period = period_of(since, until, now=clock.now())
        document = dump(await gather_shadow(incidents, period))
        return dict(document) if isinstance(document, dict) else {}

    return routes
