"""How long a repeat of verified incidents takes to decide, and that it asks no model."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from kubernaut.adapters.embeddings.caching import CachingEmbedder
from kubernaut.adapters.embeddings.minilm import MiniLMEmbedder
from kubernaut.adapters.memory.clock import ManualClock
from kubernaut.adapters.memory.cluster import MemoryCluster
from kubernaut.adapters.memory.incidents import MemoryIncidentStore
from kubernaut.adapters.memory.meter import MemoryMeter
from kubernaut.adapters.memory.signals import MemorySignalStore
from kubernaut.adapters.store import open_store
from kubernaut.adapters.vectors.embedded import EmbeddedPatterns
from kubernaut.domain.diagnosis import ActionCall, ActionId
from kubernaut.domain.errors import ModelUnavailable
from kubernaut.domain.incidents import Fingerprint, Incident, IncidentId
from kubernaut.domain.learning import Pattern
from kubernaut.domain.lifecycle import Ending, Phase
from kubernaut.domain.objects import JsonObject
from kubernaut.investigation.stage import InvestigationStage, SecondOpinion
from kubernaut.learning.remembering import Finish, remember
from kubernaut.learning.stage import LearningStage
from kubernaut.ports import Embedder, Opinion, Question
from tests.examples import HOLD, a_signal, an_incident
from tests.objects import NOW, container, node, running, template
from tests.unit.investigation.scenes import Rollout

_PATTERNS = 10_000
_REPEATS = 30


@dataclass
class Analyst:
    """Counts how often it is asked."""

    asked: int = 0

    async def analyse(self, question: Question) -> Opinion:
        """Never answers."""
        self.asked += 1
        raise ModelUnavailable(f"nobody answers about {question.incident}")


async def measure_repeat() -> JsonObject:
    """An incident that the rules do not know, which was healed three times before, again and again.

    The service knows the text of what it embedded lately; `decide_and_embed` is what it takes where it does not.
    """
    old, new = template(container(args=["a"])), template(container(args=["b"]))
    scene = Rollout(old, new)
    cluster = MemoryCluster(dict(item.raw) for item in [*scene.parts, *scene.pods(running(ready=False)), node()])
    incidents, clock, analyst = MemoryIncidentStore(MemorySignalStore()), ManualClock(NOW), Analyst()
    model, embedder = MiniLMEmbedder(), CachingEmbedder(MiniLMEmbedder())
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/k.db")
        memory = EmbeddedPatterns(store.database_engine)

        def staged(chosen: Embedder) -> InvestigationStage:
            learning = LearningStage(incidents, chosen, memory, clock)
            second = SecondOpinion(analyst, {}, 0.6)
            return InvestigationStage(cluster, incidents, clock, MemoryMeter(), learning.recall, second)

        stage, forgetful = staged(embedder), staged(model)
        await memory.add(_others(embedder.name))
        first = await _opened(incidents, 0)
        diagnosis = await stage.investigate(first, look=1)
        asked_before = analyst.asked
        call = ActionCall(ActionId("rollback_deployment"), first.target, {"revision": 6})
        for number in range(1, 4):
            past = replace(first, id=IncidentId(f"inc-past-{number}"))
            await remember(past, diagnosis, Finish(Ending.HEALED, NOW, call), embedder=embedder, patterns=memory)
        times, embedded, decided = list[float](), list[float](), 0
        for number in range(1, 2 * _REPEATS + 1):
            incident = await _opened(incidents, number)
            chosen, taken = (forgetful, embedded) if number % 2 else (stage, times)
            started = time.process_time()
            found = await chosen.investigate(incident, look=1)
            taken.append(1000 * (time.process_time() - started))
            decided += found.decided_by == "memory"
        store.close()
    return {
        "incidents": 2 * _REPEATS,
        "decided_by_memory": decided,
        "model_calls": analyst.asked - asked_before,
        "decide_ms_p50": round(statistics.median(times), 1),
        "decide_ms_p95": round(float(np.percentile(times, 95)), 1),
        "decide_and_embed_ms_p50": round(statistics.median(embedded), 1),
    }


async def _opened(incidents: MemoryIncidentStore, number: int) -> Incident:
    base = replace(an_incident(), phase=Phase.INVESTIGATION)
    candidate = replace(base, id=IncidentId(f"inc-now-{number}"), fingerprint=Fingerprint(f"f-{number}"))
    return (await incidents.admit(a_signal(alert=f"a-{number}"), candidate, hold=HOLD)).incident


def _others(embedder: str) -> list[Pattern]:
    rows = np.random.default_rng(5).normal(size=(_PATTERNS, 384))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        Pattern(
            IncidentId(f"inc-{number}"), "another incident", "a_cause", "an_action", Ending.HEALED, 60.0,
            at + timedelta(minutes=number), embedder, tuple(row),
        )
        for number, row in enumerate(rows.tolist())
    ]  # fmt: skip
