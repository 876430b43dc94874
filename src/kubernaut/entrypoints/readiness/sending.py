"""A sender that holds on to each alert as Alertmanager does, and notes what became of it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from random import Random

import httpx2

from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.http.app import ALERTMANAGER_PATH

# Alertmanager retries with the defaults of its back-off library: half a second, half as much again each time, give or
# take a half, at most a minute; after an answer of the class 5 and after none, and after no other one.
_FIRST_S, _GROWTH, _JITTER, _MOST_S = 0.5, 1.5, 0.5, 60.0
_TIMEOUT_S = 10.0
_SERVER_ERROR, _SUCCESS = 5, 2
_HUNDRED = 100
_CONNECTIONS = 500


@dataclass(frozen=True, slots=True)
class Sent:
    """One alert: when it was first sent, how often, and when it was acknowledged (None: never)."""

    number: int
    at_s: float
    attempts: int
    acknowledged_s: float | None


@dataclass
class Sender:
    """Sends one alert after the other at a steady rate, whatever the answers (an open loop)."""

    address: str
    rate: float
    chance: Random = field(default_factory=lambda: Random(11))  # noqa: S311  # spreads retries, hides nothing

    async def send(self, alerts: list[JsonObject], *, grace_s: float) -> list[Sent]:
        """What became of each; those that nobody took by so long after the last was due are given up."""
        begun = time.monotonic()
        until = begun + len(alerts) / self.rate + grace_s
        limits = httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
        async with (
            httpx2.AsyncClient(base_url=self.address, timeout=_TIMEOUT_S, trust_env=False, limits=limits) as client,
            asyncio.TaskGroup() as group,
        ):
            tasks = []
            for number, alert in enumerate(alerts):
                await asyncio.sleep(max(0.0, begun + number / self.rate - time.monotonic()))
                tasks.append(group.create_task(self._hold_on(client, number, alert, begun, until)))
        return [task.result() for task in tasks]

    async def _hold_on(
        self, client: httpx2.AsyncClient, number: int, alert: JsonObject, begun: float, until: float
    ) -> Sent:
        first, attempts, pause = time.monotonic(), 0, _FIRST_S
        while True:
            attempts += 1
            status = await self._status(client, alert)
            now = time.monotonic()
            if status // _HUNDRED == _SUCCESS:
                return Sent(number, first - begun, attempts, now - begun)
            pause_now = pause * (1 + _JITTER * (2 * self.chance.random() - 1))
            if status // _HUNDRED != _SERVER_ERROR or now + pause_now > until:
                return Sent(number, first - begun, attempts, None)
            await asyncio.sleep(pause_now)
            pause = min(pause * _GROWTH, _MOST_S)

    async def _status(self, client: httpx2.AsyncClient, alert: JsonObject) -> int:
        """The status of the answer; none at all is treated as a server that fails."""
        try:
            return (await client.post(ALERTMANAGER_PATH, json=alert)).status_code
        except httpx2.TransportError:
            return _SERVER_ERROR * _HUNDRED
