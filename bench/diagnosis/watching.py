"""How a system is looked at: over HTTP as the product does, from a snapshot of it, and with the answers compared."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import uvicorn

from bench.diagnosis.cluster import RealServer, real_server
from bench.diagnosis.system import System
from kubernaut.adapters.ids import RandomIds
from kubernaut.adapters.kubernetes.connection import ClusterOptions
from kubernaut.adapters.kubernetes.reader import KubernetesReader
from kubernaut.adapters.kubernetes.requests import KubernetesApi
from kubernaut.adapters.kubernetes.timing import TimingReader
from kubernaut.adapters.kubernetes.writer import KubernetesWriter
from kubernaut.adapters.snapshot.capture import capture, write_archive
from kubernaut.adapters.snapshot.opening import read_snapshot
from kubernaut.adapters.snapshot.reader import SnapshotClock, SnapshotReader
from kubernaut.domain.diagnosis import ActionCall, Diagnosis, Verdict
from kubernaut.domain.errors import InputError
from kubernaut.domain.execution import Refused
from kubernaut.domain.objects import ObjectRef
from kubernaut.execution.catalogue import discover
from kubernaut.execution.previewing import ExecutionPorts, intend
from kubernaut.intake import parse_webhook
from kubernaut.investigation.diagnosing import diagnose, survey
from kubernaut.investigation.gathering import BUDGET, Budget
from kubernaut.investigation.inquiry import first_look, first_survey, inquire
from kubernaut.investigation.scene import Scene
from kubernaut.ports import Clock, ClusterReader, Metrics
from kubernaut.sandbox.rest.app import RestApp
from kubernaut.sandbox.rest.authorizing import Access
from kubernaut.triage.owners import top_owner
from kubernaut.triage.targets import target_of
from tests.cluster.bed import why_no_api_server

MUTATING = frozenset({Verdict.ACT, Verdict.APPROVE})
ACTIONS = discover()
_FROM_MEMORY = replace(BUDGET, calls=100_000)
Message = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Try:
    """A change that the first hypothesis proposes, and why a dry run of it is refused; empty where it is accepted."""

    call: ActionCall
    refusal: str


@dataclass(frozen=True, slots=True)
class Looked:
    """The diagnosis of what the alert names, what a survey of its namespace finds, and what was read for the first."""

    diagnosis: Diagnosis
    around: tuple[Diagnosis, ...]
    calls: int
    milliseconds: float
    cpu_ms: float
    agrees: bool | None = None
    tries: tuple[Try, ...] = ()


class Stage:
    """An API server that shows one system after the other."""

    def __init__(self) -> None:
        self._app: RestApp | None = None

    def show(self, system: System) -> None:
        """From now on it is this one."""
        universe = system.universe
        self._app = RestApp(universe.cluster, universe.kubelets, Access({}))

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if self._app is None:
            raise RuntimeError("no system is shown yet")
        await self._app(scope, receive, send)


@dataclass(slots=True)
class Bench:
    """A client of the stage; `way` is where the diagnosis is made from."""

    stage: Stage
    api: KubernetesApi
    folder: Path
    way: str = "sandbox"
    real: RealServer | None = None
    real_api: KubernetesApi | None = None

    async def look(self, system: System, body: bytes) -> Looked:
        """What is said of the object that the alert names."""
        self.stage.show(system)
        reader, clock = KubernetesReader(self.api), system.clock
        live = await asked(reader, clock, body, BUDGET, system.metrics)
        if self.way == "sandbox":
            return replace(live, tries=await self._tried(live.diagnosis, clock))
        again = await self._on_cluster(system, body) if self.way == "cluster" else await self._on_snapshot(system, body)
        # No snapshot keeps what Prometheus said.
        comparable = system.metrics is None or self.way == "cluster"
        return replace(again, agrees=answer(live.diagnosis) == answer(again.diagnosis) if comparable else None)

    async def _tried(self, diagnosis: Diagnosis, clock: Clock) -> tuple[Try, ...]:
        """Each change that is proposed first, as execution would preview it just before; nothing is written."""
        best = diagnosis.best
        if best is None or best.verdict not in MUTATING:
            return ()
        ports = ExecutionPorts(KubernetesReader(self.api), KubernetesWriter(self.api), clock, ACTIONS)
        found = []
        for call in best.remedies:
            if ACTIONS[call.action].changes:
                intended = await intend(ports, call)
                if isinstance(intended, Refused) and intended.guard == "owned":
                    continue  # planning makes a proposal to the owner of it
                why = f"{intended.guard}: {intended.reason}" if isinstance(intended, Refused) else ""
                found.append(Try(call, why))
        return tuple(found)

    async def _on_cluster(self, system: System, body: bytes) -> Looked:
        if self.real is None or self.real_api is None:
            raise RuntimeError("no API server was started")
        await asyncio.to_thread(self.real.show, system)
        reader = BorrowingLogs(KubernetesReader(self.real_api), KubernetesReader(self.api))
        return await asked(reader, system.clock, body, BUDGET, system.metrics)

    async def _on_snapshot(self, system: System, body: bytes) -> Looked:
        reader, clock = KubernetesReader(self.api), system.clock
        path = self.folder / "captured.tar.gz"
        manifest, captured = await capture(reader, clock, "", made_by="bench", say=lambda _: None)
        write_archive(path, manifest, captured)
        snapshot = read_snapshot(path)
        path.unlink()
        return await asked(SnapshotReader(snapshot), SnapshotClock(snapshot.now), body, _FROM_MEMORY)


class BorrowingLogs(TimingReader):
    """Reads everything from one cluster, and logs, which need kubelets, from another."""

    def __init__(self, reader: ClusterReader, of_logs: ClusterReader) -> None:
        super().__init__(reader)
        self._of_logs = of_logs

    async def log(self, pod: ObjectRef, container: str, *, previous: bool = False, tail_lines: int = 200) -> str | None:
        """The end of a container's log."""
        return await self._of_logs.log(pod, container, previous=previous, tail_lines=tail_lines)


def answer(diagnosis: Diagnosis) -> tuple[object, ...]:
    """The cause, its target and the verdict, by which two diagnoses are compared."""
    best = diagnosis.best
    return (best.cause, best.target, best.verdict) if best else ()


async def asked(
    reader: ClusterReader, clock: Clock, body: bytes, budget: Budget, metrics: Metrics | None = None
) -> Looked:
    """What is said of the object that the alert names, as it is read through that reader."""
    timing = TimingReader(reader)
    started, cpu = time.perf_counter(), time.process_time()
    target = await named(timing, clock, body)
    examine = partial(_one, target=target)
    _, found = await inquire(timing, clock, first_look([target]), examine, budget, metrics=metrics)
    seconds, cpu, calls = time.perf_counter() - started, time.process_time() - cpu, len(timing.calls)
    around: list[Diagnosis] = []
    if target.namespace:
        _, around = await inquire(timing, clock, first_survey([target.namespace]), survey, budget, metrics=metrics)
    return Looked(found, tuple(around), calls, 1000 * seconds, 1000 * cpu)


def webhook_of(labels: Mapping[str, str], at: datetime, story: str, *, number: int) -> bytes:
    """The body of Alertmanager's webhook with one firing alert."""
    alert = {
        "status": "firing", "labels": {**labels}, "annotations": {"summary": story}, "startsAt": at.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": f"{number:016x}",
    }  # fmt: skip
    body = {
        "version": "4", "groupKey": "{}", "truncatedAlerts": 0, "status": "firing", "receiver": "kubernaut",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "alerts": [alert],
    }  # fmt: skip
    return json.dumps(body).encode()


def _one(scene: Scene, *, target: ObjectRef) -> Diagnosis:
    return diagnose(scene, target)


async def named(reader: ClusterReader, clock: Clock, body: bytes) -> ObjectRef:
    """The object that the alert is about, as triage finds it."""
    batch = parse_webhook(body, received_at=clock.now(), new_id=lambda: RandomIds().new("sig"))
    found = target_of(batch.signals[0].labels)
    if found is None:
        raise InputError("the alert names no object")
    return await top_owner(reader, found)


@asynccontextmanager
async def opened(way: str) -> AsyncIterator[Bench]:
    """A bench with its server on the loopback address."""
    stage = Stage()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            stage,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=600,
        )
        server = uvicorn.Server(config)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve([listener]))
            while not server.started and not serving.done():  # noqa: ASYNC110  # uvicorn says so by a flag alone
                await asyncio.sleep(0.005)
            async with AsyncExitStack() as stack:
                # Also where a case fails: without it, the server is waited for and nobody learns why.
                stack.callback(setattr, server, "should_exit", True)  # noqa: FBT003
                path = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                options = ClusterOptions(kubeconfig=str(kubeconfig(path, url)))
                bench = Bench(stage, await stack.enter_async_context(KubernetesApi(options)), path, way)
                if way == "cluster" or (way == "transcript" and not why_no_api_server()):
                    bench.real = stack.enter_context(real_server())
                    options = ClusterOptions(kubeconfig=str(bench.real.kubeconfig))
                    bench.real_api = await stack.enter_async_context(KubernetesApi(options))
                yield bench


def kubeconfig(folder: Path, url: str) -> Path:
    """A kubeconfig for an API server that asks for no credentials."""
    path = folder / "kubeconfig"
    path.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: bench\n"
        f"clusters: [{{name: bench, cluster: {{server: '{url}'}}}}]\nusers: [{{name: bench, user: {{}}}}]\n"
        "contexts: [{name: bench, context: {cluster: bench, user: bench, namespace: default}}]\n"
    )
    return path
