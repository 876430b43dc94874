"""The server that `intake.py` loads: the real application and store, with nobody taking signals out of the inbox.

`python bench/intake_server.py DATABASE_URL` prints its port as its first line and ends on SIGTERM.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from datetime import UTC, datetime, timedelta

import uvloop

from kubernaut.adapters.prometheus.meter import PrometheusMeter
from kubernaut.adapters.store import open_store
from kubernaut.domain.incidents import IncidentId
from kubernaut.entrypoints.http.app import HttpParts, create_app
from kubernaut.entrypoints.http.listening import listen
from kubernaut.entrypoints.http.operations import Answer, Instruction, Operations, Refused
from kubernaut.entrypoints.http.server import serve, stopping_on_signals


class _WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(duration.total_seconds())


class _RandomIds:
    def new(self, prefix: str) -> str:
        return f"{prefix}-{secrets.token_hex(8)}"


async def _refuse_order(_instruction: Instruction) -> Answer:
    return Refused("only the intake runs here")


async def _refuse_incident_order(_incident: IncidentId, instruction: Instruction) -> Answer:
    return await _refuse_order(instruction)


async def _main(url: str) -> None:
    store = open_store(url)
    meter = PrometheusMeter()
    of_incident = _refuse_incident_order
    parts = HttpParts(
        signals=store.signals,
        incidents=store.incidents,
        switch=store.switch,
        operations=Operations(of_incident, of_incident, of_incident, _refuse_order, _refuse_order),
        clock=_WallClock(),
        ids=_RandomIds(),
        meter=meter,
        metrics=meter.exposition,
        checks={"store": store.prove_writable},
    )
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    stop = asyncio.Event()
    with stopping_on_signals(stop):
        await serve(create_app(parts), listener, stop=stop, on_ready=lambda: print(port, flush=True))
    store.close()


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1]))
