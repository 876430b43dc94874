"""Checks of what outlives a process, and of models that fail: no cluster is needed for either."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.models.chain import Chain
from kubernaut.adapters.models.configured import chain_of, declared, policy_of
from kubernaut.adapters.models.keeping import KeptAnswers
from kubernaut.adapters.models.reloading import WatchedProviders
from kubernaut.adapters.store import Store, open_store
from kubernaut.domain.diagnosis import Diagnosis
from kubernaut.domain.errors import KubernautError, ModelError
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.model_calls import ModelCall
from kubernaut.domain.objects import ObjectRef
from kubernaut.engine.run import RunState
from kubernaut.entrypoints.readiness.ground import Ground
from kubernaut.entrypoints.readiness.replica import HELD, RUN, engine_on, hold
from kubernaut.entrypoints.readiness.verdicts import Measured
from kubernaut.ports import Opinion, Question
from kubernaut.settings import Settings

_TAKEOVER_S = 30.0
_PATIENCE_S = 60.0
_SWITCH_S = 0.5
_KEPT = timedelta(minutes=15)
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
# Nobody listens there, so that each provider fails as fast as a dead one does.
_DEAD = "http://127.0.0.1:9/v1"
_ORDER = ("first", "second", "third")
_NOTHING_FOUND = Diagnosis(ObjectRef("apps/v1", "Deployment", "shop", "web"), (), ())
_QUESTION = Question(IncidentId("inc-readiness"), _NOTHING_FOUND, {"": "unknown"}, {})


async def _again() -> str:
    return "done again"


async def _goes_on() -> str:
    return "done after"


async def taken_over(_ground: Ground) -> Measured:
    """A second process is killed with `kill -9` in the middle of a step; the time until its run has ended here."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/shared.sqlite"
        store = open_store(url)
        try:
            await _die_holding(url)
            began = time.monotonic()
            state, result = await _finished(store, "the living one")
            took = time.monotonic() - began
        finally:
            store.close()
    ended = state is RunState.DONE and result == "done before, done after"
    figure = f"{took:.0f} s from the kill to the end of its run" if ended else f"the run is {state.value}: {result}"
    return Measured(figure, ended and took < _TAKEOVER_S, took if ended else None, 1, {"seconds": took})


async def _die_holding(url: str) -> None:
    """Another process begins the run, and is killed while its second step is under way."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kubernaut.entrypoints.readiness.replica", url, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_PATIENCE_S):
            said = await process.stdout.readline() if process.stdout else b""
        if said.decode().strip() != HELD:
            raise KubernautError("the replica that was to be killed did not begin")
    finally:
        process.kill()
        await process.wait()


async def _finished(store: Store, executor: str) -> tuple[RunState, str]:
    """The run as an engine of that name ends it."""
    async with engine_on(store, executor, _again, _goes_on) as engine:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                status = await engine.outcome(RUN)
        except TimeoutError:
            status = await engine.status(RUN)
    return status.state, str(status.result)


async def backup_goes_on(_ground: Ground) -> Measured:
    """A copy is made of the database while a step is under way; from the copy alone the run goes on to its end."""
    with tempfile.TemporaryDirectory() as folder:
        original, copy = Path(folder) / "original.sqlite", Path(folder) / "copy.sqlite"
        store = open_store(f"sqlite:///{original}")
        held = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                holding = group.create_task(hold(store, "here", held.set))
                await held.wait()
                await asyncio.to_thread(_back_up, original, copy)
                holding.cancel()
        finally:
            store.close()
        original.unlink()
        restored = open_store(f"sqlite:///{copy}")
        try:
            state, result = await _finished(restored, "here")
        finally:
            restored.close()
    went_on = state is RunState.DONE and result == "done before, done after"
    words = "went on from the copy: no step was repeated, none left out" if went_on else f"{state.value}: {result}"
    return Measured(words, went_on, float(went_on), 1, {"state": state.value, "result": result})


def _back_up(original: Path, copy: Path) -> None:
    with closing(sqlite3.connect(original)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


class _Answering(Chain):
    """A chain whose model always answers; `asked` counts."""

    asked = 0

    async def analyse(self, question: Question) -> Opinion:
        """An answer without a claim."""
        self.asked += 1
        call = ModelCall("answering", requests=1)
        return Opinion("", "", 0.5, (), f"nothing is known of {question.incident}", "answering", (call,))


async def answers_are_kept(_ground: Ground) -> Measured:
    """Equal questions within the default time ask the model once, across a restart too; after it, once more."""
    settings, clock, meter = Settings(), ManualClock(_NOON), MemoryMeter()
    keep = timedelta(seconds=settings.models.keep_answers_s)
    providers = WatchedProviders(lambda: declared(settings.models, None), declared(settings.models, None), meter)
    chain = _Answering(providers, clock, meter, policy_of(settings.models))
    asked = []
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/kept.sqlite")
        try:
            for pause in (timedelta(0), timedelta(0), keep - timedelta(seconds=1), timedelta(seconds=2)):
                await clock.advance(pause)
                # A new one each time knows no more than what is stored, as after a restart.
                await KeptAnswers(chain, store.shelf, clock, meter, keep=keep).analyse(_QUESTION)
                asked.append(chain.asked)
        finally:
            store.close()
    good = asked == [1, 1, 1, 2] and keep == _KEPT
    figure = (
        f"{len(asked)} equal questions, the model asked {chain.asked} times; kept {keep.total_seconds() / 60:g} min"
    )
    return Measured(figure, good, float(good), len(asked), {"asked_after_each": [*asked]})


async def asked_in_order(_ground: Ground) -> Measured:
    """Three providers that are dead: who was asked, in which order, and how long each change to the next one took."""
    listed = [{"name": name, "model": "any", "endpoint": _DEAD} for name in _ORDER]
    settings = Settings.model_validate({"models": {"providers": listed}})
    chain = chain_of(settings, ManualClock(_NOON), MemoryMeter())
    calls: tuple[ModelCall, ...] = ()
    try:
        await chain.analyse(_QUESTION)
    except ModelError as error:
        calls = error.calls
    finally:
        await chain.aclose()
    names, switches = [call.provider.partition(":")[0] for call in calls], [call.switch_s for call in calls[1:]]
    slowest = max(switches, default=0.0)
    good = tuple(names) == _ORDER and len(switches) > 0 and slowest < _SWITCH_S
    figure = f"{' → '.join(names) or 'nobody was asked'}; the slowest change took {1000 * slowest:.0f} ms"
    return Measured(figure, good, 1000 * slowest, len(switches), {"switch_s": [*switches]})
