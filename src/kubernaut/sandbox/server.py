"""The sandbox as others use it: an address, a kubeconfig, a clock, and the state for tests in the same process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import uvicorn

from kubernaut.domain.errors import PortTaken
from kubernaut.sandbox.alerting.delivery import AlertDelivery
from kubernaut.sandbox.alerting.rules import AlertPolicy
from kubernaut.sandbox.clock import SandboxClock
from kubernaut.sandbox.cluster import Cluster
from kubernaut.sandbox.rest.app import RestApp
from kubernaut.sandbox.rest.authorizing import Access
from kubernaut.sandbox.universe import Universe

T = TypeVar("T")
_IDLE = timedelta(hours=1)
_START_TIMEOUT_S = 10.0


class _Server(uvicorn.Server):
    """Leaves signals to whoever owns the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class Sandbox:
    """A simulated cluster served over HTTP on the loopback address.

    With `alerts`, rules are evaluated over its state and sent to a webhook. With `tokens` (token -> user), requests
    need a bearer token and the roles in the cluster are enforced.
    """

    def __init__(
        self,
        *,
        speed: float = 1.0,
        port: int = 0,
        nodes: int = 3,
        seed: int = 7,
        tokens: Mapping[str, str] | None = None,
        alerts: AlertPolicy | None = None,
        begins: datetime | None = None,
    ) -> None:
        self.clock = SandboxClock(speed, begins)
        self.universe = Universe(self.clock, nodes=nodes, seed=seed)
        self._tokens = dict(tokens or {})
        self._alerts = alerts
        self._port = port
        self._app = RestApp(self.universe.cluster, self.universe.kubelets, Access(self._tokens))
        self._work = asyncio.Event()
        self._stack = AsyncExitStack()
        self.url = ""

    @property
    def cluster(self) -> Cluster:
        """The state, for tests in the sandbox's own event loop."""
        return self.universe.cluster

    async def __aenter__(self) -> Self:
        """Serves from now on."""
        listener = _listen(self._port)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            self._app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            # Clients keep connections for as long as a real API server does.
            timeout_keep_alive=120,
            timeout_graceful_shutdown=3,
        )
        server = _Server(config)
        self.universe.simulation.wake = self._work.set
        async with AsyncExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kubernaut-sandbox-")))
            group = await stack.enter_async_context(asyncio.TaskGroup())
            served = group.create_task(server.serve([listener]))
            running = [group.create_task(self._run())]
            if self._alerts is not None:
                delivery = AlertDelivery(self.universe, self._alerts)
                running.append(group.create_task(delivery.run()))
            stack.callback(self._stop, server, running)
            async with asyncio.timeout(_START_TIMEOUT_S):
                # uvicorn says that it has started by a flag alone.
                while not server.started and not served.done():  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops serving; open watches end."""
        await self._stack.__aexit__(None, None, None)

    def _stop(self, server: uvicorn.Server, running: list[asyncio.Task[None]]) -> None:
        self._app.close()
        server.should_exit = True
        for task in running:
            task.cancel()

    async def _run(self) -> None:
        simulation = self.universe.simulation
        while True:
            self._work.clear()
            now = self.clock.now()
            due = simulation.step(now)
            if due is not None and due <= now:
                await asyncio.sleep(0)
                continue
            pause = self.clock.wall_seconds(due - now if due else _IDLE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._work.wait()

    def kubeconfig(self) -> Path:
        """A kubeconfig for the sandbox, removed with it."""
        token = next(iter(self._tokens), "")
        user = f"{{token: {token}}}" if token else "{}"
        path = self._folder / "kubeconfig"
        path.write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: sandbox\n"
            f"clusters:\n- name: sandbox\n  cluster: {{server: {self.url}}}\n"
            f"users:\n- name: sandbox\n  user: {user}\n"
            "contexts:\n- name: sandbox\n  context: {cluster: sandbox, user: sandbox, namespace: default}\n"
        )
        path.chmod(0o600)
        return path

    @classmethod
    @contextlib.contextmanager
    def start_in_thread(
        cls, *, speed: float = 1.0, nodes: int = 3, alerts: AlertPolicy | None = None
    ) -> Iterator[ThreadedSandbox]:
        """A sandbox in a thread and loop of its own, for synchronous callers."""
        ready: Future[ThreadedSandbox] = Future()

        async def serve() -> None:
            stop = asyncio.Event()
            async with cls(speed=speed, nodes=nodes, alerts=alerts) as sandbox:
                ready.set_result(ThreadedSandbox(sandbox, asyncio.get_running_loop(), stop))
                await stop.wait()

        thread = threading.Thread(target=lambda: asyncio.run(serve()), name="sandbox", daemon=True)
        thread.start()
        threaded = ready.result(timeout=_START_TIMEOUT_S)
        try:
            yield threaded
        finally:
            threaded.stop()
            thread.join(timeout=_START_TIMEOUT_S)


class ThreadedSandbox:
    """A running sandbox seen from another thread; state is reached through `call` alone."""

    def __init__(self, sandbox: Sandbox, loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
        self._sandbox = sandbox
        self._loop = loop
        self._stopping = stopping
        self.url = sandbox.url
        self.clock = sandbox.clock

    def kubeconfig(self) -> Path:
        """A kubeconfig for the sandbox, removed with it."""
        return self._sandbox.kubeconfig()

    def call(self, function: Callable[[Universe], T]) -> T:
        """The function's result, run in the sandbox's own loop."""

        async def run() -> T:
            return function(self._sandbox.universe)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(timeout=_START_TIMEOUT_S)

    def stop(self) -> None:
        """Lets the sandbox end."""
        self._loop.call_soon_threadsafe(self._stopping.set)


def _listen(port: int) -> socket.socket:
    # Named as TCP, since asyncio switches off Nagle's delay (40 ms a reply) only for sockets that are.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise PortTaken(f"port {port} is in use", help="choose another with --port, or 0 for a free one") from error
    listener.setblocking(False)  # noqa: FBT003  # its only parameter
    return listener
