"""The whole service as a process of its own, in which each incident is held at its own place until it is killed.

The service is the one that `kubernaut serve` runs. Around the steps of a run, the writes to the cluster and the
admission of a signal, it says when the incident of a namespace has come to its place, and goes no further.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import uvloop
from typing_extensions import TypeForm

from kubernaut import wiring
from kubernaut.adapters.embeddings.hashed import HashedEmbedder
from kubernaut.adapters.ids import RandomIds
from kubernaut.adapters.store import Store
from kubernaut.adapters.store.incidents import SqlIncidentStore
from kubernaut.domain.changes import Change
from kubernaut.domain.incidents import Incident
from kubernaut.domain.objects import Json, JsonObject, KubeObject
from kubernaut.domain.signals import Signal
from kubernaut.engine import Run
from kubernaut.engine.codec import load
from kubernaut.entrypoints.http.listening import listen
from kubernaut.entrypoints.http.server import stopping_on_signals
from kubernaut.entrypoints.logs import configure_logs
from kubernaut.entrypoints.serving import serving
from kubernaut.healing.stages import Stages
from kubernaut.pipeline import run_incident
from kubernaut.ports import Admission, ClusterWriter
from kubernaut.settings import Settings

T = TypeVar("T")
Reach = Callable[[str, str], Awaitable[None]]


@dataclass(frozen=True)
class SharedClock:
    """The clock of a sandbox in another process of this machine, which has the same monotonic time."""

    speed: float
    started: datetime
    origin: float

    def now(self) -> datetime:
        return self.started + timedelta(seconds=(time.monotonic() - self.origin) * self.speed)

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(max(0.0, duration.total_seconds() / self.speed))


@dataclass(frozen=True)
class Places:
    """Where the incident of each namespace is held."""

    by_namespace: dict[str, str]

    async def reach(self, namespace: str, place: str) -> None:
        if self.by_namespace.get(namespace) == place:
            say("reached", place=place)
            await asyncio.Event().wait()


class HeldRun(Run):
    """A run that can be held before a step, in it when it has acted and nothing is stored, and after it."""

    def __init__(self, run: Run, namespace: str, places: Places) -> None:
        self._run = run
        self._namespace = namespace
        self._places = places

    @property
    def id(self) -> str:
        return self._run.id

    async def step(self, name: str, action: Callable[[], Awaitable[T]], returns: TypeForm[T]) -> T:
        async def held() -> T:
            await self._reach(f"begun {name}")
            result = await action()
            await self._reach(f"acted {name}")
            return result

        result = await self._run.step(name, held, returns)
        await self._reach(f"after {name}")
        return result

    async def sleep(self, duration: timedelta) -> None:
        await self._run.sleep(duration)

    async def receive(self, topic: str, timeout: timedelta) -> Json | None:  # noqa: ASYNC109  # as the port has it
        return await self._run.receive(topic, timeout)

    async def _reach(self, place: str) -> None:
        await self._places.reach(self._namespace, place)


class HeldWriter(ClusterWriter):
    """A writer that can be held before a request is sent and when its answer has come."""

    def __init__(self, writer: ClusterWriter, places: Places) -> None:
        self._writer = writer
        self._places = places
        self._writes: Counter[str] = Counter()

    async def write(
        self, change: Change, *, dry_run: bool = False, warned: Callable[[str], None] | None = None
    ) -> KubeObject | None:
        if dry_run:
            return await self._writer.write(change, dry_run=True, warned=warned)
        namespace = change.target.namespace
        self._writes[namespace] += 1
        number = self._writes[namespace]
        await self._places.reach(namespace, f"before write {number}")
        after = await self._writer.write(change, warned=warned)
        await self._places.reach(namespace, f"after write {number}")
        return after


class HeldAdmission(SqlIncidentStore):
    """An incident store that can be held before an incident is opened and when it has been."""

    def __init__(self, store: Store, places: Places) -> None:
        super().__init__(store._database)
        self._places = places

    async def admit(self, signal: Signal, candidate: Incident, *, hold: timedelta, symptom: bool = False) -> Admission:
        namespace = candidate.target.namespace
        await self._places.reach(namespace, "signal stored")
        admission = await super().admit(signal, candidate, hold=hold, symptom=symptom)
        await self._places.reach(namespace, "incident opened")
        return admission


def install(places: Places) -> None:
    """From here on every service of this process has held ports and runs."""
    build_stages = wiring.build_stages

    def build_held(settings: Settings, outside: wiring.Outside, ids: RandomIds) -> Stages:
        stages = build_stages(settings, replace(outside, writer=HeldWriter(outside.writer, places)), ids)
        admission = HeldAdmission(outside.store, places)
        return replace(stages, triage=replace(stages.triage, incidents=admission))

    async def run_held(run: Run, stages: Stages, argument: JsonObject) -> Json:
        namespace = load(Incident, argument["incident"]).target.namespace
        return await run_incident(HeldRun(run, namespace, places), stages, argument)

    wiring.build_stages = build_held
    # Half a hundred incidents come to their lesson at once, and the model of meaning takes its time over each.
    wiring.MiniLMEmbedder = HashedEmbedder  # type: ignore[attr-defined, misc, assignment]  # the name the wiring calls
    wiring.run_incident = run_held  # type: ignore[attr-defined]  # the name under which the wiring calls it


def say(word: str, **more: object) -> None:
    print(json.dumps({"said": word, **more}), flush=True)  # noqa: T201


async def main(told: JsonObject) -> None:
    clock = load(SharedClock, told["clock"])
    settings = Settings.model_validate(told["settings"])
    configure_logs(settings.log)
    listener = listen("127.0.0.1", settings.http.port)
    stop = asyncio.Event()
    with stopping_on_signals(stop):
        async with serving(settings, listener, clock=clock, pace=clock.speed):
            say("ready")
            await stop.wait()


if __name__ == "__main__":
    setting = json.loads(sys.argv[1])
    install(Places(setting["places"]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(setting))
