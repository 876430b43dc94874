"""How fast and how well finished incidents are found again.

    python bench/memory.py --json

Stores: the time of one search narrowed to a cause and a time, warm, and the share of the ten nearest that it found; the
same (`whole_`) for a search through everything, which pgvector and Weaviate answer from an approximate index. The
vectors are mixtures of embedded incidents with some noise. pgvector and Weaviate are measured where they can be started
here. Embedders: the CPU time of one text, one at a time, and the share of 200
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
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
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
from kubernaut.ports.patterns import ANY
from tests import postgres, weaviate_server

_BATCH = 2000
_CAUSES, _DAYS, _HALF_A_YEAR = 40, 360, 180
_LIMIT, _WARM_UP = 10, _CAUSES
# How many incidents are in a mixture, and the noise in each dimension; together it is a quarter of the direction.
_MIXED, _NOISE = 3, 0.013
_NOW = datetime(2026, 11, 1, tzinfo=UTC)
Rows: TypeAlias = "np.ndarray[tuple[int, int], np.dtype[np.float32]]"
Row: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float32]]"
Mask: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.bool_]]"


@dataclass(frozen=True, slots=True)
class Search:
    """A vector that is asked about, within what, and the ids of the nearest by comparing all."""

    vector: list[float]
    where: PatternFilter
    nearest: frozenset[str]


async def measure_search(name: str, store: PatternStore, rows: Rows, asked: Rows) -> JsonObject:
    """Searches one after the other: for one of forty causes within the last half year, and through everything."""
    numbers = np.arange(len(rows))
    recent = numbers // _CAUSES % _DAYS <= _HALF_A_YEAR
    since = _NOW - timedelta(days=_HALF_A_YEAR)
    narrowed = [
        _search(vector, rows, (numbers % _CAUSES == cause) & recent, PatternFilter(_cause(cause), since=since))
        for cause, vector in zip(cycle(range(_CAUSES)), asked, strict=False)
    ]
    whole = [_search(vector, rows, numbers >= 0, ANY) for vector in asked]
    figures = {**await _figures(store, narrowed, ""), **await _figures(store, whole, "whole_")}
    return {"store": name, "patterns": len(rows), **figures}


def _search(vector: Row, rows: Rows, admitted: Mask, where: PatternFilter) -> Search:
    numbers = np.flatnonzero(admitted)
    nearest = numbers[np.argsort(-(rows[numbers] @ vector))[:_LIMIT]].tolist()
    return Search(vector.tolist(), where, frozenset(f"inc-{number}" for number in nearest))


async def _figures(store: PatternStore, searches: Sequence[Search], prefix: str) -> JsonObject:
    times, shares = [], []
    for search in searches:
        started = time.perf_counter()
        found = await store.nearest(search.vector, embedder="mixed", limit=_LIMIT, where=search.where)
        times.append(time.perf_counter() - started)
        shares.append(len(search.nearest & {each.pattern.id for each in found}) / len(search.nearest))
    # The first round of causes loads what the later ones find loaded.
    warm, recall = times[_WARM_UP:], round(statistics.mean(shares), 3)
    return {f"{prefix}p50_ms": _ms(warm, 50), f"{prefix}p95_ms": _ms(warm, 95), f"{prefix}recall_at_{_LIMIT}": recall}


@asynccontextmanager
async def embedded(rows: Rows) -> AsyncIterator[PatternStore]:
    """The embedded store on SQLite, filled."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/k.db")
        fill(store.database_engine, patterns, rows)
        yield EmbeddedPatterns(store.database_engine, capacity=len(rows))
        store.close()


@asynccontextmanager
async def in_pgvector(rows: Rows) -> AsyncIterator[PatternStore]:
    """The extension in a throwaway PostgreSQL, filled and then indexed, as after a migration."""
    with postgres.running_cluster(durable=False) as cluster:
        engine = pgvector.open_engine(cluster.url())
        store = pgvector.PgvectorPatterns(engine)
        await store.count()
        fill(engine, pgvector.table, rows[:-1])
        # The first pattern that is added makes the index over all that is there.
        await store.add([a_pattern(len(rows) - 1, rows[-1])])
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE kubernaut_patterns"))
            # A search is not to pay for pages that filling left unwritten.
            connection.execute(text("CHECKPOINT"))
        yield store
        await store.aclose()


@asynccontextmanager
async def in_weaviate(rows: Rows) -> AsyncIterator[PatternStore]:
    """Weaviate's real server, filled."""
    from kubernaut.adapters.vectors.weaviate import WeaviatePatterns  # noqa: PLC0415  # an extra

    with weaviate_server.running_weaviate() as address:
        store = WeaviatePatterns(address.url, grpc_port=address.grpc_port)
        for start in range(0, len(rows), _BATCH):
            await store.add([a_pattern(start + n, row) for n, row in enumerate(rows[start : start + _BATCH])])
        yield store
        await store.aclose()


def fill(engine: Engine, table: Table, rows: Rows) -> None:
    """Stores the patterns of those vectors."""
    with engine.execution_options(kubernaut_writes=True).begin() as connection:
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            connection.execute(insert(table), [cells(a_pattern(start + n, row)) for n, row in enumerate(batch)])


def a_pattern(number: int, vector: Sequence[float]) -> Pattern:
    """One of forty causes, finished some day of the year before."""
    return Pattern(
        id=IncidentId(f"inc-{number}"),
        text="a finished incident",
        cause=_cause(number % _CAUSES),
        action="rollback_deployment",
        ending=Ending.HEALED,
        seconds=60.0,
        at=_NOW - timedelta(days=number // _CAUSES % _DAYS),
        embedder="mixed",
        vector=tuple(map(float, vector)),
        namespace=f"team-{number % 7}",
    )


def _cause(number: int) -> str:
    return f"cause-{number}"


async def mixed_rows(count: int) -> Rows:
    """Directions between those of embedded incidents: random ones have no neighbours that an index could find."""
    texts = [*(known for _, known in remembered()), *(said for _, said in paraphrases())]
    real = np.array(await MiniLMEmbedder().embed(texts), dtype=np.float32)
    random = np.random.default_rng(7)
    rows = np.zeros((count, real.shape[1]), dtype=np.float32)
    for _ in range(_MIXED):
        rows += random.exponential(size=(count, 1)).astype(np.float32) * real[random.integers(len(real), size=count)]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows += random.normal(scale=_NOISE, size=rows.shape).astype(np.float32)
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
    every = await mixed_rows(options.patterns + options.searches + _WARM_UP)
    rows, asked = every[: options.patterns], every[options.patterns :]
    for name, opened, missing in (
        ("embedded-sqlite", embedded, ""),
        ("pgvector", in_pgvector, postgres.missing_vectors()),
        ("weaviate", in_weaviate, weaviate_server.missing()),
    ):
        if missing or name not in options.stores:
            print(f"left out: {name}: {missing or 'not asked for'}", file=sys.stderr)
            continue
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(opened(rows))
            stores.append(await measure_search(name, store, rows, asked))
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
