"""What a page costs the server with ten thousand incidents behind it.

    python bench/pages.py --json

CPU seconds of the whole process (threads of the store included) for one request, from the routes to the bytes: the
first one after the start, and the median and the worst of the warm ones. `counting` is what the figures of the
value page take when they are made, which no request waits for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
from fastapi import FastAPI
from past import fill

from kubernaut.adapters.embeddings.caching import CachingEmbedder
from kubernaut.adapters.embeddings.hashed import HashedEmbedder
from kubernaut.adapters.store import Store, open_store
from kubernaut.adapters.vectors.embedded import EmbeddedPatterns
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import JsonObject
from kubernaut.entrypoints.dashboard.books import Books, open_books
from kubernaut.entrypoints.dashboard.health import HealthSources
from kubernaut.entrypoints.dashboard.parts import DashboardParts
from kubernaut.entrypoints.dashboard.patterns import Memory
from kubernaut.entrypoints.dashboard.routes import dashboard_routes
from kubernaut.entrypoints.http.operations import Answer, Instruction, Operations, Refused
from kubernaut.impact.inputs import Range, ValueInputs

_PAGES = (
    "/",
    "/incidents",
    "/incidents?q=app-01&offset=100",
    "/incidents?cause=volume_full&since=30d",
    "/incidents?ending=healed&offset=5000",
    "/incidents/inc-000020",
    "/incidents/inc-000020/events",
    "/approvals",
    "/value",
    "/value?since=90d",
    "/strategies",
    "/strategies/crash_after_change/rollback_deployment",
    "/models",
    "/patterns?q=pods+exit+1+after+a+new+flag",
    "/health",
    "/live.json",
)
_PATTERNS = 2000


class _WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(duration.total_seconds())


async def _no(_incident: IncidentId, _told: Instruction) -> Answer:
    return Refused("this is a benchmark")


async def _never(_told: Instruction) -> Answer:
    return Refused("this is a benchmark")


async def measure(store: Store, *, rounds: int, memory: Memory) -> JsonObject:
    """CPU seconds a page."""
    clock = _WallClock()
    inputs = ValueInputs(Range(25, 42, 70), Range(70, 70, 70), running_usd_per_month=Range(500, 500, 500))
    books = open_books(store.incidents, clock, inputs)
    parts = DashboardParts(
        incidents=store.incidents,
        switch=store.switch,
        operations=Operations(_no, _no, _no, _never, _never),
        clock=clock,
        cluster="bench",
        approval=timedelta(minutes=30),
        books=books,
        health=HealthSources({}, lambda: b"", store.heartbeats, store.signals, {}),
        memory=memory,
    )
    app = FastAPI()
    app.include_router(dashboard_routes(parts))
    counting = await _counting(books)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        pages: JsonObject = {path: await _page(client, path, rounds) for path in _PAGES}
    return {"pages": pages, "counting": counting}


async def _counting(books: Books) -> JsonObject:
    began = time.process_time()
    await books.tally.catch_up()
    read = time.process_time() - began
    await books.appraisal.make("90d")
    again = time.process_time()
    await books.appraisal.make("30d")
    end = time.process_time()
    return {
        "journal_read_cpu_s": round(read, 3),
        "figures_90d_cpu_s": round(again - began - read, 3),
        "figures_30d_cpu_s": round(end - again, 3),
    }


async def _page(client: httpx2.AsyncClient, path: str, rounds: int) -> JsonObject:
    times, size = [], 0
    for _ in range(rounds + 1):
        began = time.process_time()
        answer = await client.get(path)
        times.append(1000 * (time.process_time() - began))
        if answer.status_code != 200:  # noqa: PLR2004
            raise SystemExit(f"{path}: {answer.status_code} {answer.text[:200]}")
        size = int(answer.headers["content-length"])
    first, *warm = times
    return {
        "first_cpu_ms": round(first, 1),
        "median_cpu_ms": round(statistics.median(warm), 1),
        "worst_cpu_ms": round(max(warm), 1),
        "bytes_sent": size,
    }


async def _remembered(store: Store) -> Memory:
    embedder = CachingEmbedder(HashedEmbedder())
    patterns = EmbeddedPatterns(store.database_engine)
    now = datetime.now(UTC)
    texts = [f"KubePodCrashLooping Deployment\nfault {number} of revision {number % 7}" for number in range(_PATTERNS)]
    vectors = await embedder.embed(texts)
    for number, (text, vector) in enumerate(zip(texts, vectors, strict=True)):
        name = IncidentId(f"inc-{number:06x}")
        await patterns.add(
            [Pattern(name, text, "crash_after_change", "", Ending.HEALED, 60, now, embedder.name, tuple(vector))]
        )
    return Memory(patterns, embedder)


async def run(count: int, rounds: int) -> JsonObject:
    """Fills a database and measures."""
    with tempfile.TemporaryDirectory(prefix="kubernaut-bench-") as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'past.sqlite'}")
        try:
            told = fill(store, count)
            result = await measure(store, rounds=rounds, memory=await _remembered(store))
            return {"incidents": count, "events": told, **result}
        finally:
            store.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a table, or one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one document on stdout")
    parser.add_argument("--incidents", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args(arguments)
    result = asyncio.run(run(chosen.incidents, chosen.rounds))
    if chosen.json:
        print(json.dumps(result, indent=2))
        return
    pages = result["pages"]
    for path, figures in pages.items() if isinstance(pages, dict) else ():
        print(f"{path:60} {figures}")
    print(result["counting"], file=sys.stdout)


if __name__ == "__main__":
    main()
