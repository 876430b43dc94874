"""How fast and how well finished incidents are found again.

    python bench/memory.py --json

Stores: the time of one search among random unit vectors, warm. Embedders: the time of one text, one at a time, and
the share of paraphrases whose original is among the five nearest of all originals and distractors.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import create_engine, insert

from kubernaut.adapters.embeddings.hashed import HashedEmbedder
from kubernaut.adapters.embeddings.minilm import MiniLMEmbedder
from kubernaut.adapters.vectors.embedded import EmbeddedPatterns, metadata, patterns
from kubernaut.domain.objects import Json, JsonObject
from kubernaut.ports import Embedder

_DIMENSION = 384
_BATCH = 2000
PARAPHRASES = (
    ("Container was OOM killed, its memory limit is too low", "the process ran out of RAM and the kernel ended it"),
    ("Image not found in the registry: no such tag", "nodes cannot download the container, that version is absent"),
    ("Pods cannot be scheduled, no node matches the selector", "nothing in the fleet carries the label it asks for"),
    ("Readiness probe asks the wrong port", "health check hits a port where nobody listens"),
    ("The Deployment was scaled to zero replicas", "somebody set the number of instances to none"),
    ("Service selector matches no pods", "traffic has nowhere to go, labels of service and backends differ"),
    ("The referenced ConfigMap does not exist", "configuration file that should be mounted is missing"),
    ("Password for the registry was refused", "no credentials to fetch a private image: unauthorized"),
    ("Node stopped reporting and is not ready", "machine is gone, its agent has not been heard of for minutes"),
    ("Namespace quota is used up, pods are rejected", "limit of total cpu for the team has been exceeded"),
    ("Container exits with an error after the new release", "since the last rollout the app crashes on start"),
    ("Certificate expired yesterday", "TLS handshake fails, the validity date has passed"),
)
DISTRACTORS = (
    "Disk pressure on a node, images are deleted",
    "The cron job missed its schedule",
    "A horizontal autoscaler is at its maximum",
    "Volume cannot be attached, it is used elsewhere",
    "DNS look-ups time out now and then",
    "Invoice for October was sent",
    "The meeting moved to Tuesday",
    "An admission webhook times out",
)


async def measure_store(folder: Path, count: int, searches: int) -> JsonObject:
    """Search times of the embedded store with that many patterns."""
    engine = create_engine(f"sqlite:///{folder / f'{count}.db'}")
    metadata.create_all(engine)
    random = np.random.default_rng(7)
    with engine.begin() as connection:
        for start in range(0, count, _BATCH):
            vectors = _unit(random.normal(size=(min(_BATCH, count - start), _DIMENSION)))
            connection.execute(insert(patterns), [_row(start + number, row) for number, row in enumerate(vectors)])
    store = EmbeddedPatterns(engine, capacity=count)
    asked = _unit(random.normal(size=(searches, _DIMENSION))).tolist()
    await store.nearest(asked[0], embedder="random", limit=10)
    times = []
    for vector in asked:
        started = time.perf_counter()
        await store.nearest(vector, embedder="random", limit=10)
        times.append(time.perf_counter() - started)
    engine.dispose()
    return {"store": "embedded-sqlite", "patterns": count, "p50_ms": _ms(times, 50), "p95_ms": _ms(times, 95)}


async def measure_embedder(embedder: Embedder, rounds: int) -> JsonObject:
    """The time of one text, and recall at five on the paraphrases."""
    originals = [*(original for original, _ in PARAPHRASES), *DISTRACTORS]
    stored = np.array(await embedder.embed(originals))
    times, hits = [], 0
    for number in range(rounds * len(PARAPHRASES)):
        place = number % len(PARAPHRASES)
        started = time.perf_counter()
        (vector,) = await embedder.embed([PARAPHRASES[place][1]])
        times.append(time.perf_counter() - started)
        if number < len(PARAPHRASES):
            hits += place in np.argsort(-(stored @ np.array(vector)))[:5]
    return {
        "embedder": embedder.name,
        "dimension": embedder.dimension,
        "ms_per_text": round(1000 * statistics.median(times), 3),
        "recall_at_5": round(hits / len(PARAPHRASES), 3),
    }


def _row(number: int, vector: np.ndarray[tuple[int], np.dtype[np.float32]]) -> dict[str, object]:
    return {
        "id": f"inc-{number}",
        "text": "a finished incident",
        "cause": "crash_after_change",
        "action": "rollback_deployment",
        "ending": "healed",
        "seconds": 60.0,
        "at": datetime(2026, 1, 1, tzinfo=UTC).timestamp(),
        "embedder": "random",
        "vector": vector.tobytes(),
    }


def _unit(rows: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / lengths, dtype=np.float32)


def _ms(times: Sequence[float], percentile: int) -> float:
    return round(float(np.percentile(times, percentile)) * 1000, 3)


async def measure(counts: Iterable[int], *, searches: int, rounds: int) -> JsonObject:
    """All figures."""
    with tempfile.TemporaryDirectory() as folder:
        stores: list[Json] = [await measure_store(Path(folder), count, searches) for count in counts]
    embedders: list[Json] = [await measure_embedder(each, rounds) for each in (MiniLMEmbedder(), HashedEmbedder())]
    return {"stores": stores, "embedders": embedders}


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument("--patterns", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    figures = asyncio.run(measure(options.patterns, searches=options.searches, rounds=options.rounds))
    print(json.dumps(figures, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
