"""A scenario of the sandbox that stands still, served over HTTP: whoever reads it twice reads the same."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn

from kubernaut.sandbox.clock import SteppedClock
from kubernaut.sandbox.rest.app import RestApp
from kubernaut.sandbox.rest.authorizing import Access
from kubernaut.sandbox.scenarios import Scenario, prepare_system
from kubernaut.sandbox.universe import Universe

KUBECTL = shutil.which("kubectl")
_HEALTHY = timedelta(minutes=2)
_BROKEN = timedelta(minutes=10)
_KUBECONFIG = """apiVersion: v1
kind: Config
current-context: still
clusters: [{{name: still, cluster: {{server: {url}}}}}]
users: [{{name: still, user: {{}}}}]
contexts: [{{name: still, context: {{cluster: still, user: still, namespace: default}}}}]
"""


@dataclass(frozen=True)
class Still:
    """An address, and the moment that the cluster shows: kubectl counts ages from the wall's time, so it is now."""

    scenario: Scenario
    universe: Universe
    url: str
    folder: Path

    @property
    def kubeconfig(self) -> Path:
        path = self.folder / "kubeconfig"
        path.write_text(_KUBECONFIG.format(url=self.url))
        return path

    def kubectl(self, command: str) -> str:
        """What it prints, with the command above it as in a terminal."""
        assert KUBECTL is not None
        words = [KUBECTL, "--server", self.url, *command.split()]
        environment = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=60)
        return f"$ kubectl {command}\n{done.stdout}{done.stderr}"


@contextmanager
def still_of(scenario: Scenario, folder: Path) -> Iterator[Still]:
    """The example system, healthy for two minutes and then broken for ten."""
    end = datetime.now(UTC).replace(microsecond=0)
    clock = SteppedClock(end - _HEALTHY - _BROKEN)
    universe = Universe(clock)
    prepare_system(universe)
    universe.simulation.run_until(clock, end - _BROKEN)
    scenario.inject(universe)
    universe.simulation.run_until(clock, end)
    with _served(universe) as url:
        yield Still(scenario, universe, url, folder)


@contextmanager
def _served(universe: Universe) -> Iterator[str]:
    app = RestApp(universe.cluster, universe.kubelets, Access({}))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None, access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)
