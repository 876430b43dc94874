"""Latency and throughput of the durable engine: `python bench/engine.py --json`.

One run is four steps that do nothing, so every figure is the engine's own. "alone" starts one after the other,
"burst" a hundred at once; both are timed from `start` to the stored result of
the last step, after a warm-up; CPU is that of the process. "sleeping" is what a
thousand runs cost that wait in a durable timer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import structlog

from kubernaut.adapters.store import Store, open_store
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.engine import Run
from kubernaut.engine.durable import DurableEngine
from tests.postgres import missing, running_cluster

_STEPS = 4
_WARM_UP, _ALONE, _BURST, _SLEEPING = 30, 100, 100, 1000


ENDED: dict[str, asyncio.Event] = defaultdict(asyncio.Event)


async def nothing() -> int:
    """The step."""
    return 1


async def workflow(run: Run, argument: JsonObject) -> Json:
    """Four steps, behind a long sleep where that is asked for."""
    if argument.get("sleep"):
        await run.sleep(timedelta(hours=1))
    for number in range(_STEPS):
        await run.step(f"step-{number}", nothing, int)
    ENDED[run.id].set()
    return None


async def timed(engine: DurableEngine, run_id: str) -> float:
    """Milliseconds from the start to the stored result of the last step."""
    started = time.perf_counter()
    await engine.start(run_id, {})
    await ENDED[run_id].wait()
    return (time.perf_counter() - started) * 1000


async def measured(store: str, url: str) -> dict[str, object]:
    """The figures of one database."""
    ENDED.clear()
    opening = time.perf_counter()
    with closing(open_store(url)) as kept:
        return await figures(store, kept, opening)


async def figures(store: str, kept: Store, opening: float) -> dict[str, object]:
    """The figures of an open store."""
    async with DurableEngine(
        kept.runs, workflow, executor="bench", heartbeats=kept.heartbeats, leases=kept.leases
    ) as engine:
        opened_ms = (time.perf_counter() - opening) * 1000
        for number in range(_WARM_UP):
            await timed(engine, f"warm-{number}")
        worked = time.process_time()
        alone = [await timed(engine, f"alone-{number}") for number in range(_ALONE)]
        alone_cpu_ms = (time.process_time() - worked) * 1000 / _ALONE
        started, worked = time.perf_counter(), time.process_time()
        burst = await asyncio.gather(*(timed(engine, f"burst-{number}") for number in range(_BURST)))
        burst_s = time.perf_counter() - started
        burst_cpu_ms = (time.process_time() - worked) * 1000 / _BURST
        before, threads = _rss_mib(), threading.active_count()
        await asyncio.gather(*(engine.start(f"sleep-{number}", {"sleep": True}) for number in range(_SLEEPING)))
        await asyncio.sleep(10)
        sleeping = {
            "runs": _SLEEPING,
            "mib": round(_rss_mib() - before, 1),
            "threads": threading.active_count() - threads,
        }
    return {
        "store": store,
        "steps": _STEPS,
        "open_ms": round(opened_ms),
        "alone_p50_ms": round(statistics.median(alone), 1),
        "alone_p95_ms": round(statistics.quantiles(alone, n=20)[18], 1),
        "alone_cpu_ms": round(alone_cpu_ms, 1),
        "burst": _BURST,
        "burst_cpu_ms": round(burst_cpu_ms, 1),
        "burst_p50_ms": round(statistics.median(burst)),
        "burst_max_ms": round(max(burst)),
        "burst_runs_per_second": round(_BURST / burst_s, 1),
        "sleeping": sleeping,
        "rss_mib": round(_rss_mib(), 1),
    }


def _rss_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="JSON alone on stdout")
    wanted = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    runs = []
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        runs.append(asyncio.run(measured("sqlite", f"sqlite:///{folder}/engine.db")))
        if missing():
            print(f"postgres left out: {missing()}", file=sys.stderr)
        else:
            cluster = stack.enter_context(running_cluster(durable=True))
            runs.append(asyncio.run(measured("postgres", cluster.url(cluster.new_database()))))
    print(json.dumps({"runs": runs}, indent=None if wanted.json else 2))


if __name__ == "__main__":
    main()
