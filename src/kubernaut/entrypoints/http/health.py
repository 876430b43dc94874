"""Whether the process lives, whether it can do its work, and its counters."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from fastapi import APIRouter, Response

from kubernaut.domain.errors import KubernautError

Check: TypeAlias = Callable[[], Awaitable[None]]
"""Returns where all is well; raises a `KubernautError` that says what is not."""

# A check that takes longer is as good as failed: its words are then what the probe gets.
_PATIENCE_S = 3.0
_REMEMBERED_S = 1.0


class Readiness:
    """Runs all checks at once; asked often, it answers from a second ago, so that probes cost the store little."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._lock = asyncio.Lock()
        self._results: dict[str, str] = {}
        self._at = float("-inf")

    async def results(self) -> dict[str, str]:
        """`ok` or what is wrong, by the name of the check."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._at >= _REMEMBERED_S:
                # Side by side, since each may take all of its patience.
                texts = await asyncio.gather(*(_run(check) for check in self._checks.values()))
                self._results = dict(zip(self._checks, texts, strict=True))
                self._at = asyncio.get_running_loop().time()
            return self._results


async def _run(check: Check) -> str:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await check()
    except TimeoutError:
        return f"no answer within {_PATIENCE_S:g} s"
    except KubernautError as error:
        return str(error)
    return "ok"


def health_routes(
    checks: Mapping[str, Check],
    metrics: Callable[[], Awaitable[bytes]],
    limits: Mapping[str, Check] = MappingProxyType({}),
) -> APIRouter:
    """`/healthz`, `/readyz` and `/metrics`, for whoever may reach the port.

    A failing check takes the process out of service; a failing limit is only told: alerts have to be taken anyway.
    """
    routes = APIRouter(tags=["health"])
    readiness, limited = Readiness(checks), Readiness(limits)

    @routes.get("/healthz", summary="Whether the process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz", summary="Whether it can do its work", responses={503: {"description": "Not ready"}})
    async def readyz(response: Response) -> dict[str, str | dict[str, str]]:
        results = await readiness.results()
        ready = all(text == "ok" for text in results.values())
        response.status_code = 200 if ready else 503
        found = {name: text for name, text in (await limited.results()).items() if text != "ok"}
        told: dict[str, str | dict[str, str]] = {"status": "ready" if ready else "not ready", "checks": results}
        return told | ({"limits": found} if found else {})

    @routes.get("/metrics", summary="Counters and timings for Prometheus", response_class=Response)
    async def exposition() -> Response:
        return Response(await metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return routes
