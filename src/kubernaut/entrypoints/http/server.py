"""Running the application until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta

import uvicorn
from starlette.types import ASGIApp

from kubernaut.entrypoints.http.protocol import BoundedHttpProtocol

_GRACE = timedelta(seconds=10)
_ARRIVAL = timedelta(seconds=30)
# Beyond these uvicorn answers 503, which senders take as a reason to come again.
_CONNECTIONS = 2000
# So long the thread that commits alerts waits for the interpreter once its commit is on the disk, and a whole group of
# senders with it. Python's own 5 ms is as long as forty alerts take.
_SWITCH_S = 1e-4


class _Server(uvicorn.Server):
    """Leaves signals alone, since whoever runs the process decides what they mean, and says when it listens."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


def _nobody_waits() -> None:
    pass


async def serve(
    app: ASGIApp,
    listener: socket.socket,
    *,
    stop: asyncio.Event,
    on_ready: Callable[[], None] = _nobody_waits,
    grace: timedelta = _GRACE,
    arrival: timedelta = _ARRIVAL,
) -> None:
    """Answers requests on the socket until `stop` is set; then finishes those in work, for at most `grace`.

    A request that takes longer than `arrival` to come in is cut off.
    """
    sys.setswitchinterval(_SWITCH_S)
    protocol = type("Protocol", (BoundedHttpProtocol,), {"request_seconds": arrival.total_seconds()})
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        # The service is opened and closed around the server, in an order that the framework's hooks do not know.
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        # X-Forwarded-For is whatever a sender writes; nothing here decides by an address anyway.
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        # Longer than the usual minute of proxies and clients, so that it is they who close and no request meets a
        # closing door.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(grace.total_seconds()),
    )
    server = _Server(config, on_ready)
    _spare_the_collector()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(server.serve(sockets=[listener]))
        stopping = group.create_task(_stop_when_told(server, stop))
        await running
        stopping.cancel()


@contextlib.contextmanager
def stopping_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Within it, SIGINT and SIGTERM set `stop`; the second one ends the process at once."""
    loop = asyncio.get_running_loop()

    # With the handler gone the second signal has the system's own meaning, for whoever is tired of waiting.
    def on_signal(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def _stop_when_told(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


def _spare_the_collector() -> None:
    # What was loaded stays until the end: looking through it again and again costs a quarter of each request.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
