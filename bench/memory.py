"""How fast and how well finished incidents are found again.

    python bench/memory.py --json

Stores: the time of one search narrowed to a cause and a time, among random unit vectors, warm. pgvector and Weaviate
are measured where they can be started here. Embedders: the CPU time of one text, one at a time, and the share of 200
paraphrases (`paraphrases.py`) for which an incident of the same fault is among the five nearest. Repeat: the CPU time
from an unsure diagnosis of the rules to one decided by the memory, with 10,000 patterns, and how often a model was
asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import numpy as np
from sqlalchemy import Engine, Table, insert, text

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.paraphrases import paraphrases, remembered
from bench.repeats import measure_repeat
from kubernaut.adapters.embeddings.hashed import HashedEmbedder
from kubernaut.adapters.embeddings.minilm import MiniLMEmbedder
from kubernaut.adapters.store import open_store
from kubernaut.adapters.store.schema import patterns
from kubernaut.adapters.vectors import pgvector
from kubernaut.adapters.vectors.embedded import EmbeddedPatterns
from kubernaut.adapters.vectors.rows import cells
from kubernaut.domain.incidents import IncidentId
from kubernaut.domain.learning import Pattern
from kubernaut.domain.lifecycle import Ending
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.ports import Embedder, PatternFilter, PatternStore
from tests import postgres, weaviate_server

_DIMENSION = 384
_BATCH = 2000
_CAUSES = 40
_NOW = datetime(2026, 11, 1, tzinfo=UTC)
Rows: TypeAlias = "np.ndarray[tuple[int, int], np.dtype[np.float32]]"


async def measure_search(name: str, store: PatternStore, count: int, searches: int) -> JsonObject:
    """The times of searches for one of forty causes within the last half year, one after the other."""
    asked = unit_rows(np.random.default_rng(8), searches + 3)
    times = []
    for number, vector in enumerate(asked.tolist()):
        where = PatternFilter(cause=f"cause-{number % _CAUSES}", since=_NOW - timedelta(days=180))
        started = time.perf_counter()
        found = await store.nearest(vector, embedder="random", limit=10, where=where)
        times.append(time.perf_counter() - started)
        if len(found) != min(10, count // _CAUSES // 2):
            raise RuntimeError(f"{name} found {len(found)}")
    # The first ones load what the later ones find loaded.
    return {"store": name, "patterns": count, "p50_ms": _ms(times[3:], 50), "p95_ms": _ms(times[3:], 95)}


@asynccontextmanager
async def embedded(count: int) -> AsyncIterator[PatternStore]:
    """The embedded store on SQLite, filled."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/k.db")
        fill(store.database_engine, patterns, count)
        yield EmbeddedPatterns(store.database_engine, capacity=count)
        store.close()


@asynccontextmanager
async def in_pgvector(count: int) -> AsyncIterator[PatternStore]:
    """The extension in a throwaway PostgreSQL, filled and then indexed, as after a migration."""
    with postgres.running_cluster(durable=False) as cluster:
        engine = pgvector.open_engine(cluster.url())
        store = pgvector.PgvectorPatterns(engine)
        await store.count()
        fill(engine, pgvector.table, count - 1)
        # The first pattern that is added makes the index over all that is there.
        await store.add([a_pattern(count - 1, unit_rows(np.random.default_rng(9), 1)[0])])
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE kubernaut_patterns"))
        yield store
        await store.aclose()


@asynccontextmanager
async def in_weaviate(count: int) -> AsyncIterator[PatternStore]:
    """Weaviate's real server, filled."""
    from kubernaut.adapters.vectors.weaviate import WeaviatePatterns  # noqa: PLC0415  # an extra

    with weaviate_server.running_weaviate() as address:
        store = WeaviatePatterns(address.url, grpc_port=address.grpc_port)
        random = np.random.default_rng(7)
        for start in range(0, count, _BATCH):
            rows = unit_rows(random, min(_BATCH, count - start))
            await store.add([a_pattern(start + number, row) for number, row in enumerate(rows)])
        yield store
        await store.aclose()


def fill(engine: Engine, table: Table, count: int) -> None:
    """Stores that many patterns of random direction."""
    random = np.random.default_rng(7)
    with engine.execution_options(kubernaut_writes=True).begin() as connection:
        for start in range(0, count, _BATCH):
            rows = unit_rows(random, min(_BATCH, count - start))
            connection.execute(insert(table), [cells(a_pattern(start + n, row)) for n, row in enumerate(rows)])


def a_pattern(number: int, vector: Sequence[float]) -> Pattern:
    """One of forty causes, finished some day of the year before."""
    return Pattern(
        id=IncidentId(f"inc-{number}"),
        text="a finished incident",
        cause=f"cause-{number % _CAUSES}",
        action="rollback_deployment",
        ending=Ending.HEALED,
        seconds=60.0,
        at=_NOW - timedelta(days=number // _CAUSES % 360),
        embedder="random",
        vector=tuple(map(float, vector)),
        namespace=f"team-{number % 7}",
    )


def unit_rows(random: np.random.Generator, count: int) -> Rows:
    """Random directions."""
    rows = random.normal(size=(count, _DIMENSION))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


async def measure_embedder(embedder: Embedder) -> JsonObject:
    """The CPU time of one text, and recall at five on the paraphrases."""
    memory, asked = remembered(), list(paraphrases())
    stored = np.array(await embedder.embed([known for _, known in memory]))
    times, hits = [], 0
    for fault, said in asked:
        started = time.process_time()
        (vector,) = await embedder.embed([said])
        times.append(time.process_time() - started)
        nearest = np.argsort(-(stored @ np.array(vector)))[:5].tolist()
        hits += fault in {memory[place][0] for place in nearest}
    return {
        "embedder": embedder.name,
        "dimension": embedder.dimension,
        "ms_per_text": round(1000 * statistics.median(times), 3),
        "recall_at_5": round(hits / len(asked), 3),
    }


def _ms(times: Sequence[float], percentile: int) -> float:
    return round(float(np.percentile(times, percentile)) * 1000, 3)


async def measure(options: argparse.Namespace) -> JsonObject:
    """All figures; what cannot be had here is named on stderr and left out."""
    stores: list[Json] = []
    for name, opened, missing in (
        ("embedded-sqlite", embedded, ""),
        ("pgvector", in_pgvector, postgres.missing_vectors()),
        ("weaviate", in_weaviate, weaviate_server.missing()),
    ):
        if missing or name not in options.stores:
            print(f"left out: {name}: {missing or 'not asked for'}", file=sys.stderr)
            continue
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(opened(options.patterns))
            stores.append(await measure_search(name, store, options.patterns, options.searches))
    embedders: list[Json] = [await measure_embedder(each) for each in (MiniLMEmbedder(), HashedEmbedder())]
    return {"stores": stores, "embedders": embedders, "repeat": await measure_repeat()}


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument("--patterns", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--stores", nargs="+", default=["embedded-sqlite", "pgvector"], help="also: weaviate")
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measure(options)), indent=None if options.json else 2))


if __name__ == "__main__":
    main()
