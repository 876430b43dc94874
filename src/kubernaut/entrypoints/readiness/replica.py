"""A replica that begins a run and never ends it, so that it can be killed: `python -m …readiness.replica URL`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from kubernaut.adapters.store import Store, open_store
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine.durable import DurableEngine
from kubernaut.engine.run import Run, Workflow

RUN = "inc-takeover"
HELD = "held"


Step = Callable[[], Awaitable[str]]


async def done_before() -> str:
    """What the process does that is going to die."""
    return "done before"


def workflow(first: Step, second: Step) -> Workflow:
    """Two steps; the result names both, so that it tells which process did what."""

    async def run_both(run: Run, _argument: JsonObject) -> Json:
        before = await run.step("first", first, returns=str)
        after = await run.step("second", second, returns=str)
        return f"{before}, {after}"

    return run_both


def engine_on(store: Store, executor: str, first: Step, second: Step) -> DurableEngine:
    """An engine of that name, as a service has it."""
    return DurableEngine(
        store.runs, workflow(first, second), executor=executor, heartbeats=store.heartbeats, leases=store.leases
    )


async def hold(store: Store, executor: str, held: Callable[[], None]) -> None:
    """Begins the run, tells when its second step is under way, and stays there."""

    async def stuck() -> str:
        held()
        await asyncio.Event().wait()
        raise AssertionError

    async with engine_on(store, executor, done_before, stuck) as engine:
        await engine.start(RUN, {})
        await asyncio.Event().wait()


def main() -> None:
    """Says `held` once there is something to take over."""

    def say() -> None:
        sys.stdout.write(f"{HELD}\n")
        sys.stdout.flush()

    asyncio.run(hold(open_store(sys.argv[1]), "the dead one", say))


if __name__ == "__main__":
    main()
