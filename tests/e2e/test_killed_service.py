"""The whole service, really killed with an incident at every boundary of its way, and started again.

One incident a boundary, all in one sandbox: each is held at its own place (`killable_service`), then SIGKILL takes the
process with all of them at once.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from kubernaut.adapters.store import Store, open_store
from kubernaut.domain.execution import Applied, Execution
from kubernaut.domain.incidents import Incident
from kubernaut.domain.journal import EventKind
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import JsonObject
from kubernaut.domain.plans import lease_name
from kubernaut.engine.codec import load
from kubernaut.impact.recomputing import accuracy
from kubernaut.ports import IncidentFilter
from kubernaut.sandbox import Sandbox
from tests.e2e import killable_service
from tests.e2e.town import Town, until
from tests.postgres import free_port

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_SPEED = 20.0
_PATIENCE_S = 120
_CHILD = Path(killable_service.__file__)

_STEPS = (
    "investigate-1",
    "plan-1",
    "intend-1",
    "apply-1",
    "observe-1-1",
    "verify-1",
    "tell",
    "value",
    "close",
    "learn",
)
# What is stored when a step begins is what was stored after the one before it.
_MOMENTS = ("acted", "after")
_HEALING = (
    "begun investigate-1",
    *(f"{moment} {step}" for step in _STEPS for moment in _MOMENTS),
    "before write 1",
    "after write 1",
)
_UNDOING = (
    *(f"{moment} {step}" for step in ("undo-1", "investigate-2", "plan-2") for moment in _MOMENTS),
    "before write 2",
    "after write 2",
)
# A signal that is held stops those behind it, so these come when all others are where they are to be.
_INTAKE = ("signal stored", "incident opened")

_K = EventKind
# It looks again where a pull is just being tried, or where the rollout back is still under way.
_LOOKED = [_K.DIAGNOSED, _K.PLANNED]
_ACTED = [_K.INTENDED, _K.APPLIED, _K.VERIFIED]
_ENDED = [_K.NOTIFIED, _K.VALUED, _K.CLOSED, _K.LEARNED]


@dataclass
class Service:
    """A service process, as its test talks to it."""

    process: asyncio.subprocess.Process
    log: Path
    client: httpx2.AsyncClient

    async def hear(self, word: str) -> JsonObject:
        """The next thing that it says with that word."""
        assert self.process.stdout is not None
        async with asyncio.timeout(_PATIENCE_S):
            while line := await self.process.stdout.readline():
                said: JsonObject = json.loads(line)
                if said["said"] == word:
                    return said
        raise AssertionError(f"ended without {word}: {self.log.read_text()}")

    async def hear_places(self, places: set[str]) -> None:
        """Returns when an incident has come to each of them."""
        missing = set(places)
        while missing:
            missing.discard(str((await self.hear("reached"))["place"]))

    async def end(self, number: signal.Signals) -> int:
        """Its exit code after the signal."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(_PATIENCE_S):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode


@dataclass
class Scene:
    """A town with one incident a place, and the service that works in it."""

    town: Town
    places: dict[str, str]
    store_url: str
    log: Path

    def at(self, places: tuple[str, ...]) -> list[str]:
        """The namespaces whose incidents are held there."""
        return [namespace for namespace, place in self.places.items() if place in places]

    @asynccontextmanager
    async def service(self, port: int, *, held: bool) -> AsyncIterator[Service]:
        """A running service."""
        sandbox = self.town.sandbox
        settings: JsonObject = {
            "http": {"port": port},
            "store": {"url": self.store_url},
            "cluster": {"name": "sandbox", "kubeconfig": str(sandbox.kubeconfig())},
            "policy": {"recheck_s": 10.0},
            "verification": {"window_s": 20.0, "interval_s": 20.0, "deadline_s": 3600.0},
        }
        told: JsonObject = {
            "settings": settings,
            "places": {**self.places} if held else {},
            "clock": {"speed": _SPEED, "origin": time.monotonic(), "started": sandbox.clock.now().isoformat()},
        }
        with self.log.open("a") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, _CHILD, json.dumps(told), stdout=asyncio.subprocess.PIPE, stderr=log
            )
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            service = Service(process, self.log, client)
            try:
                await service.hear("ready")
                yield service
            finally:
                await service.end(signal.SIGKILL)

    async def kill_with_an_incident_at_every_place(self, port: int) -> None:
        """Ends the first process, which has got no run to its end."""
        async with self.service(port, held=True) as service, asyncio.TaskGroup() as group:
            living = group.create_task(self.town.live(service.client))
            await self.town.tell(service.client, self.at(_HEALING + _UNDOING))
            await service.hear_places({*_HEALING, *_UNDOING})
            await self.town.tell(service.client, self.at(_INTAKE))
            await service.hear_places(set(_INTAKE))
            living.cancel()
            assert await service.end(signal.SIGKILL) == -signal.SIGKILL

    async def finish(self, port: int, store: Store) -> None:
        """Starts a process that is held nowhere, and lets it come to the end of everything."""
        async with self.service(port, held=False) as service, asyncio.TaskGroup() as group:
            living = group.create_task(self.town.live(service.client))
            await until(lambda: self._is_finished(store))
            living.cancel()
            assert await service.end(signal.SIGTERM) == 0

    async def _is_finished(self, store: Store) -> bool:
        learned = await store.incidents.events(kinds=(_K.LEARNED,))
        return len(learned) == len(self.places) and not await store.signals.waiting(1)

    async def check(self, store: Store) -> None:
        """Every incident is at its right end, with every action and every stage once."""
        found = await store.incidents.find(IncidentFilter(limit=1000))
        incidents = {incident.target.namespace: incident for incident in found}
        assert len(found) == len(self.places)
        events = [event for incident in found for event in await store.incidents.events(incident.id)]
        figures = accuracy(events)
        assert figures.incidents == len(found)
        assert (figures.share or 0) > 0.99, figures.differences
        for namespace, place in self.places.items():
            try:
                await self._check_one(store, namespace, incidents[namespace])
            except AssertionError as error:
                raise AssertionError(f"killed at {place!r}: {error}") from error

    async def _check_one(self, store: Store, namespace: str, incident: Incident) -> None:
        healed = namespace in self.town.healing
        events = await store.incidents.events(incident.id)
        told = [event.kind for event in events if event.kind not in (_K.RECALLED, _K.RESOLVED)]
        applied = [load(Execution, event.body["execution"]).applied for event in events if event.kind is _K.APPLIED]
        place = self.places[namespace]
        assert incident.ending is (Ending.HEALED if healed else Ending.UNDONE), incident.reason
        assert without_repeats(told) == (
            [_K.RECEIVED, *_LOOKED, *_ACTED, *_ENDED]
            if healed
            else [_K.RECEIVED, *_LOOKED, *_ACTED, _K.UNDONE, *_LOOKED, *_ENDED]
        )
        assert applied == [Applied.ALREADY if place == "after write 1" else Applied.DONE]
        assert self.town.writes(namespace) == (1 if healed else 2)
        assert self.town.runs_the_old_image(namespace) is healed
        assert await self._is_free(store, namespace)

    async def _is_free(self, store: Store, namespace: str) -> bool:
        """Whether the incident gave its target back."""
        name = lease_name(self.town.target(namespace))
        return await store.leases.acquire(name, "another incident", duration=timedelta(seconds=1))


def without_repeats(told: Sequence[EventKind]) -> list[EventKind]:
    """The story with looks that came to the same stage one after the other told once."""
    once: list[EventKind] = []
    for kind in told:
        once.append(kind)
        if once[-4:] == _LOOKED * 2:
            del once[-2:]
    return once


@pytest.fixture
async def scene(store_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    everywhere = (*_HEALING, *_UNDOING, *_INTAKE)
    # The names say nothing about the place, and the order of names nothing about the order of places.
    places = {f"team-{index * 7 % len(everywhere):02}": place for index, place in enumerate(everywhere)}
    failing = frozenset(namespace for namespace, place in places.items() if place in _UNDOING)
    async with Sandbox(speed=_SPEED) as sandbox:
        town = Town(sandbox, frozenset(places) - failing, failing)
        await town.build()
        yield Scene(town, places, store_url, tmp_path / "log")


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/kubernaut.sqlite"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url)
    yield opened
    opened.close()


# A file has one process at a time, which comes again at its port; of a server's many, another one goes on.
@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_a_killed_service_finishes_every_incident_when_it_is_started_again(scene: Scene, store: Store) -> None:
    port = free_port()
    await scene.kill_with_an_incident_at_every_place(port)

    await scene.finish(port, store)

    await scene.check(store)


@pytest.mark.parametrize("store_url", ["postgres"], indirect=True)
async def test_another_process_finishes_every_incident_of_a_killed_one(scene: Scene, store: Store) -> None:
    await scene.kill_with_an_incident_at_every_place(free_port())

    await scene.finish(free_port(), store)

    await scene.check(store)
