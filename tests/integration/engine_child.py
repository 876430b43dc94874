"""A process for the kill tests: runs of five steps, each parked where its id says, until it is killed or released.

A step first writes that it was attempted, then has its effect, which is a file that only one can create.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from kubernaut.adapters.store import Store, open_store
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine import Run, RunState
from kubernaut.engine.durable import DurableEngine
from kubernaut.engine.policy import EnginePolicy

STEPS = ("one", "two", "three", "four", "five")
PLACES = tuple(f"{moment}-{step}" for step in STEPS for moment in ("before", "attempted", "effected", "after"))
PLACES += ("in-sleep", "in-receive")

_POLICY = EnginePolicy(
    steps_at_once=len(PLACES),
    beat_every=timedelta(milliseconds=200),
    stale_after=timedelta(milliseconds=2000),
    sweep_every=timedelta(milliseconds=300),
    drain=timedelta(milliseconds=100),
    notice_every=timedelta(milliseconds=50),
)


class Child:
    def __init__(self, folder: Path, executor: str, parks: tuple[str, ...]) -> None:
        self._folder = folder
        self._executor = executor
        self._parks = parks
        self._parked: set[str] = set()

    async def workflow(self, run: Run, _: JsonObject) -> Json:
        done: list[Json] = []
        for step in STEPS:
            await self._park(run.id, f"before-{step}")
            done.append(await run.step(step, self._acting(run.id, step), str))
            await self._park(run.id, f"after-{step}")
            if step == "two":
                self._announce(run.id, "in-sleep")
                await run.sleep(timedelta(seconds=3 if run.id == "in-sleep" and self._parks else 0.01))
            if step == "three":
                self._announce(run.id, "in-receive")
                await run.receive("go", timedelta(seconds=60 if run.id == "in-receive" else 0.01))
        return done

    def _acting(self, run_id: str, step: str) -> Callable[[], Awaitable[str]]:
        async def act() -> str:
            self._write("attempts", run_id, step)
            await self._park(run_id, f"attempted-{step}")
            try:
                (self._folder / f"effect {run_id} {step}").touch(exist_ok=False)
            except FileExistsError:
                self._write("effects found", run_id, step)
            await self._park(run_id, f"effected-{step}")
            return step

        return act

    async def _park(self, run_id: str, place: str) -> None:
        if run_id == place and place in self._parks:
            self._announce(run_id, place)
            while not (self._folder / f"release {self._executor}").exists():
                await asyncio.sleep(0.02)

    def _announce(self, run_id: str, place: str) -> None:
        if run_id == place and place in self._parks:
            self._parked.add(place)
            if self._parked == set(self._parks):
                say("parked")

    def _write(self, kind: str, run_id: str, step: str) -> None:
        line = f"{run_id} {step} {self._executor}\n".encode()
        descriptor = os.open(self._folder / kind, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, line)
        os.close(descriptor)


def say(word: str, **more: object) -> None:
    print(json.dumps({"said": word, **more}), flush=True)  # noqa: T201


async def main(task: str, store: Store, child: Child, executor: str) -> None:
    async with DurableEngine(
        store.runs,
        child.workflow,
        executor=executor,
        heartbeats=store.heartbeats,
        leases=store.leases,
        policy=_POLICY,
    ) as engine:
        say("open")
        if task == "begin":
            for place in PLACES:
                await engine.start(place, {})
            await asyncio.Event().wait()
        if task == "begin-one":
            await engine.start("before-three", {})
            while "before-three" not in engine._attended:
                await asyncio.sleep(0.01)
            # Until the run has left this process, by whatever way.
            await asyncio.wait({engine._attended["before-three"]})
            say("left")
            return
        wanted = PLACES if task == "finish" else ("before-three",)
        while RunState.UNKNOWN in [(await engine.status(place)).state for place in wanted]:
            await asyncio.sleep(0.1)
        if task == "finish":
            await engine.send("in-receive", "go", "now", key="once")
        say("finished", results={place: (await engine.outcome(place)).result for place in wanted})


if __name__ == "__main__":
    setting = json.loads(sys.argv[1])
    opened = open_store(setting["store"])
    try:
        its = Child(Path(setting["folder"]), setting["executor"], tuple(setting["parks"]))
        asyncio.run(main(setting["task"], opened, its, setting["executor"]))
    finally:
        opened.close()
